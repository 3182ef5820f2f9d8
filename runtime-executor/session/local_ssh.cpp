#include "runtime-executor/session/local_ssh.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <mutex>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/process.h"
#include "base/strings.h"

namespace loam::session {
namespace {

Result<UniqueFd> ConnectUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("the socket path `{}` is too long", path));
  }
  path.copy(address.sun_path, path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return UnexpectedErrno(fmt::format("connect to the SSH agent at {}", path));
  }
  return fd;
}

bool IsSocket(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

// An ssh-agent of our own that holds some keys. Ends with the object.
class KeyAgent {
 public:
  static Result<std::unique_ptr<KeyAgent>> Start(const std::vector<std::string>& keys) {
    for (const char* program : {"ssh-agent", "ssh-add"}) {
      if (!FindProgram(program)) {
        return tl::unexpected(
            Error(ErrorCode::kFailedPrecondition, fmt::format("`{}` is needed to offer key files by --ssh", program))
                .WithHint("install openssh-client, or start an agent and pass its socket"));
      }
    }
    TempDir dir = LOAM_TRY(TempDir::Create("", "loam-ssh-"));
    const std::string socket = dir.Child("agent");
    ProcessSpec spec;
    spec.args = {"ssh-agent", "-D", "-a", socket};
    Process process = LOAM_TRY(Process::Spawn(spec));
    // ssh-add would fail before the agent listens.
    while (!ConnectUnix(socket)) {
      pollfd ended{process.pidfd(), POLLIN, 0};
      if (::poll(&ended, 1, 5) != 0) {
        return Unexpected(ErrorCode::kUnavailable, "ssh-agent ended at its start");
      }
    }
    std::unique_ptr<KeyAgent> agent(new KeyAgent(std::move(dir), std::move(process), socket));
    for (const std::string& key : keys) {
      ProcessSpec add;
      add.args = {"ssh-add", "-q", key};
      add.env = {
          {"SSH_AUTH_SOCK=" + socket, "SSH_ASKPASS=/bin/false", "SSH_ASKPASS_REQUIRE=force", "PATH=/usr/bin:/bin"}};
      const ProcessOutput output = LOAM_TRY(RunProcess(std::move(add)));
      if (!output.status.ok()) {
        return tl::unexpected(
            Error(ErrorCode::kInvalidArgument,
                  fmt::format("`{}` cannot be used as an SSH key: {}", key, TrimSpace(output.err)))
                .WithHint("keys with a passphrase must be added to an agent first (ssh-add), then use --ssh default"));
      }
    }
    return agent;
  }

  [[nodiscard]] const std::string& socket() const { return socket_; }

 private:
  KeyAgent(TempDir dir, Process process, std::string socket)
      : dir_(std::move(dir)), process_(std::move(process)), socket_(std::move(socket)) {}
  TempDir dir_;
  Process process_;
  std::string socket_;
};

class LocalSsh final : public SshAgents {
 public:
  explicit LocalSsh(std::map<std::string, SshSource> sources) : sources_(std::move(sources)) {}

  Result<> Check(std::string_view id, std::stop_token) override {
    LOAM_TRY(Find(id));
    return {};
  }

  Result<UniqueFd> Connect(std::string_view id, std::stop_token) override {
    const SshSource* source = LOAM_TRY(Find(id));
    if (source->paths.size() == 1 && IsSocket(source->paths[0])) {
      return ConnectUnix(source->paths[0]);
    }
    const std::scoped_lock lock(mutex_);
    auto& agent = agents_[source];
    if (agent == nullptr) {
      agent = LOAM_TRY(KeyAgent::Start(source->paths));
    }
    return ConnectUnix(agent->socket());
  }

 private:
  Result<const SshSource*> Find(std::string_view id) const {
    const std::string name(id.empty() ? "default" : id);
    const auto found = sources_.find(name);
    if (found == sources_.end()) {
      return tl::unexpected(Error(ErrorCode::kNotFound, fmt::format("no SSH agent `{}` is forwarded", name))
                                .WithHint(fmt::format("pass --ssh {}", name)));
    }
    return &found->second;
  }

  const std::map<std::string, SshSource> sources_;
  std::mutex mutex_;  // guards agents_
  std::map<const SshSource*, std::unique_ptr<KeyAgent>> agents_;
};

}  // namespace

std::shared_ptr<SshAgents> MakeLocalSsh(std::map<std::string, SshSource> sources) {
  return std::make_shared<LocalSsh>(std::move(sources));
}

Result<std::pair<std::string, SshSource>> ParseSshOption(const std::string& text) {
  const auto pair = SplitOnce(text, '=');
  const std::string id(pair ? pair->first : text);
  const auto invalid = [&](std::string_view what, std::string hint) {
    return tl::unexpected(
        Error(ErrorCode::kInvalidArgument, fmt::format("--ssh `{}`: {}", text, what)).WithHint(std::move(hint)));
  };
  if (id.empty()) {
    return invalid("it has no id", "write --ssh default or --ssh ID=SOCKET");
  }
  SshSource source;
  if (pair) {
    for (const std::string_view path : Split(pair->second, ',')) {
      source.paths.emplace_back(path);
    }
  } else if (const char* socket = std::getenv("SSH_AUTH_SOCK"); socket != nullptr && *socket != '\0') {
    source.paths.emplace_back(socket);
  } else {
    return invalid("there is no agent: $SSH_AUTH_SOCK is not set",
                   "start one (eval $(ssh-agent); ssh-add), or name a key file: --ssh " + id + "=KEY");
  }
  for (const std::string& path : source.paths) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      return UnexpectedErrno(fmt::format("--ssh `{}`: {}", text, path));
    }
    if (S_ISSOCK(info.st_mode) && source.paths.size() > 1) {
      return invalid("a socket cannot be combined with other paths", "give every agent an id of its own");
    }
  }
  return std::pair(id, std::move(source));
}

}  // namespace loam::session
