#include "runtime-executor/source/git/git_cli.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/process.h"
#include "base/redact_urls.h"
#include "base/strings.h"
#include "runtime-executor/solver/progress.h"

namespace loam::source {
namespace {

constexpr mode_t kFileModeMask = 0022;
constexpr std::chrono::seconds kGrace{5};
constexpr std::size_t kMostShownLines = 3;
// Objects that are listed or printed are small; trees are never printed.
constexpr std::size_t kMostOutput = std::size_t{64} << 20U;

// Values that a repository or a URL must not choose.
constexpr std::pair<const char*, const char*> kFixedConfig[] = {
    {"core.hooksPath", "/dev/null"},
    {"core.fsmonitor", "false"},
    {"core.askPass", ""},
    {"credential.helper", ""},
    {"init.defaultBranch", "master"},
    {"init.templateDir", ""},
    {"advice.detachedHead", "false"},
    {"gc.auto", "0"},
    {"maintenance.auto", "false"},
    {"fetch.recurseSubmodules", "false"},
    {"http.lowSpeedLimit", "1"},
    {"http.lowSpeedTime", "60"},
};

std::string SshCommand(const GitCliOptions& options) {
  if (!options.ssh_command.empty()) {
    return options.ssh_command;
  }
  // Keys come from the agent only: those of this machine's user are not the client's.
  std::string command =
      "ssh -F /dev/null -o BatchMode=yes -o IdentityFile=/dev/null -o ConnectTimeout=30 -o ServerAliveInterval=15 -o "
      "ServerAliveCountMax=4";
  if (options.known_hosts_file.empty()) {
    return command + " -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no";
  }
  // Our own path: letters, digits and slashes, quoted for the shell all the same.
  return fmt::format("{} -o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile='{}' -o StrictHostKeyChecking={}",
                     command, options.known_hosts_file, options.known_hosts_grow ? "accept-new" : "yes");
}

bool ContainsAny(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

// The lines that say what went wrong, without the transfer's progress.
std::vector<std::string> LastWords(const std::string& text) {
  std::vector<std::string> fatal;
  std::vector<std::string> all;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find_first_of("\r\n");
    std::string_view line = TrimSpace(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.empty() || line.starts_with("hint:") || ReceivedBytes(line) ||
        ContainsAny(line, {"Counting objects", "Compressing objects", "Enumerating objects", "Resolving deltas"})) {
      continue;
    }
    all.emplace_back(line);
    for (const std::string_view mark : {"fatal: ", "error: ", "remote: fatal: ", "remote: error: ", "ssh: "}) {
      if (line.starts_with(mark)) {
        if (!mark.starts_with("ssh")) {
          line.remove_prefix(mark.size());
        }
        fatal.emplace_back(line);
        break;
      }
    }
  }
  std::vector<std::string>& chosen = fatal.empty() ? all : fatal;
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  if (chosen.size() > kMostShownLines) {
    chosen.erase(chosen.begin(), chosen.end() - static_cast<std::ptrdiff_t>(kMostShownLines));
  }
  return std::move(chosen);
}

Error Failure(const std::string& verb, const ProcessOutput& output) {
  const std::string text = RedactUrls(output.err);
  const std::vector<std::string> words = LastWords(text);
  const std::string message =
      fmt::format("git {}: {}", verb,
                  words.empty() ? fmt::format("failed with exit code {}", output.status.code) : Join(words, "; "));
  ErrorCode code = ErrorCode::kUnknown;
  std::string hint;
  if (ContainsAny(text, {"Authentication failed", "could not read Username", "could not read Password",
                         "terminal prompts disabled", "error: 401", "error: 403", "Permission denied (",
                         "HTTP Basic: Access denied"})) {
    code = ErrorCode::kUnauthenticated;
    hint = ContainsAny(text, {"Permission denied ("})
               ? "forward an SSH agent that has a key for the host: --ssh default (Earthfiles: set SSH_AUTH_SOCK)"
               : "give a token by --secret id=GIT_AUTH_TOKEN, or a whole header by --secret id=GIT_AUTH_HEADER";
  } else if (ContainsAny(text, {"Host key verification failed"})) {
    code = ErrorCode::kFailedPrecondition;
    hint = "the host's key is not one of the known hosts, or has changed";
  } else if (ContainsAny(text,
                         {"not found", "does not exist", "couldn't find remote ref", "not our ref",
                          "does not appear to be a git repository", "access denied or repository not exported"})) {
    code = ErrorCode::kNotFound;
  } else if (ContainsAny(text, {"Could not resolve host", "unable to connect", "Connection refused", "timed out",
                                "Couldn't connect", "Failed to connect", "early EOF", "hung up unexpectedly",
                                "Connection reset", "Operation too slow"})) {
    code = ErrorCode::kUnavailable;
  } else if (ContainsAny(text, {"transport '", "not allowed"})) {
    code = ErrorCode::kPermissionDenied;
  }
  return Error(code, message).WithHint(std::move(hint)).WithDetail(std::make_shared<GitErrorDetail>(text));
}

// Shows lines as they come: the transfer as a status, everything else as log.
class Reporter {
 public:
  Reporter(solver::ProgressWriter& progress, bool shows_transfer)
      : progress_(progress), shows_transfer_(shows_transfer) {}

  void Take(std::string_view bytes) {
    pending_.append(bytes);
    std::size_t end = 0;
    while ((end = pending_.find_first_of("\r\n")) != std::string::npos) {
      Line(std::string_view(pending_).substr(0, end));
      pending_.erase(0, end + 1);
    }
  }

  void Finish(bool ok) {
    if (started_ && ok) {
      Report(true);
    }
  }

 private:
  void Line(std::string_view line) {
    if (const auto bytes = ReceivedBytes(line)) {
      if (shows_transfer_) {
        received_ = *bytes;
        Report(false);
      }
    } else if (!TrimSpace(line).empty() && line.find('%') == std::string_view::npos) {
      progress_.Log(solver::LogStream::kStderr, RedactUrls(line) + "\n");
    }
  }

  void Report(bool completed) {
    const WallTime now = SystemClock().Now();
    if (!started_) {
      started_ = now;
    }
    solver::StatusEvent event;
    event.id = "receiving objects";
    event.current = received_;
    event.started = started_;
    if (completed) {
      event.completed = now;
    }
    progress_.Status(std::move(event));
  }

  solver::ProgressWriter& progress_;
  const bool shows_transfer_;
  std::string pending_;
  std::int64_t received_ = 0;
  std::optional<WallTime> started_;
};

}  // namespace

std::optional<std::int64_t> ReceivedBytes(std::string_view line) {
  line = TrimSpace(line);
  if (!line.starts_with("Receiving objects:")) {
    return std::nullopt;
  }
  const std::size_t close = line.find("), ");
  if (close == std::string_view::npos) {
    return 0;
  }
  const std::string rest(line.substr(close + 3));
  char* end = nullptr;
  const double number = std::strtod(rest.c_str(), &end);
  const std::string_view unit = TrimSpace(std::string_view(end));
  const double scale = unit.starts_with("KiB")   ? 1024.0
                       : unit.starts_with("MiB") ? 1024.0 * 1024
                       : unit.starts_with("GiB") ? 1024.0 * 1024 * 1024
                                                 : 1.0;
  return number < 0 || number > 1e12 ? 0 : static_cast<std::int64_t>(number * scale);
}

std::vector<std::string> GitCli::Environment(const GitCall& call) const {
  const char* const path = std::getenv("PATH");
  const char* const home = options_.ssh_command.empty() ? nullptr : std::getenv("HOME");
  std::vector<std::string> env = {
      fmt::format("PATH={}", path != nullptr && *path != '\0' ? path : "/usr/local/bin:/usr/bin:/bin"),
      fmt::format("HOME={}", home != nullptr ? home : "/dev/null"),
      "LC_ALL=C",
      "GIT_CONFIG_NOSYSTEM=1",
      "GIT_CONFIG_GLOBAL=/dev/null",
      "GIT_TERMINAL_PROMPT=0",
      "GIT_LFS_SKIP_SMUDGE=1",
      "GIT_ALLOW_PROTOCOL=" + (call.allowed_protocols.empty() ? options_.allowed_protocols : call.allowed_protocols),
      "GIT_SSH_COMMAND=" + SshCommand(options_),
      // Without a repository git must not find the one in whose directory this process happens to run.
      "GIT_DIR=" + (call.git_dir.empty() ? std::string("/dev/null") : call.git_dir),
  };
  if (!call.work_tree.empty()) {
    env.push_back("GIT_WORK_TREE=" + call.work_tree);
  }
  for (const char* const name : {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy",
                                 "no_proxy", "all_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"}) {
    if (const char* const value = std::getenv(name); value != nullptr) {
      env.push_back(fmt::format("{}={}", name, value));
    }
  }
  if (const char* const certificates = std::getenv("SSL_CERT_FILE"); certificates != nullptr && *certificates != '\0') {
    env.push_back(fmt::format("GIT_SSL_CAINFO={}", certificates));
  }
  if (!options_.ssh_auth_sock.empty()) {
    env.push_back("SSH_AUTH_SOCK=" + options_.ssh_auth_sock);
  }
  std::size_t count = 0;
  const auto configure = [&](std::string_view key, std::string_view value) {
    env.push_back(fmt::format("GIT_CONFIG_KEY_{}={}", count, key));
    env.push_back(fmt::format("GIT_CONFIG_VALUE_{}={}", count, value));
    ++count;
  };
  for (const auto& [key, value] : kFixedConfig) {
    configure(key, value);
  }
  for (const auto& [key, value] : options_.config) {
    configure(key, value);
  }
  env.push_back(fmt::format("GIT_CONFIG_COUNT={}", count));
  for (const auto& [name, value] : call.env) {
    env.push_back(fmt::format("{}={}", name, value));
  }
  return env;
}

Result<std::string> GitCli::Run(const GitCall& call, solver::ProgressWriter* progress, std::stop_token stop) const {
  ProcessSpec spec;
  spec.args.push_back("git");
  spec.args.insert(spec.args.end(), call.args.begin(), call.args.end());
  spec.env = Environment(call);
  spec.cwd = call.work_tree.empty() ? "/" : call.work_tree;
  spec.umask = kFileModeMask;
  RunOptions run;
  run.stop = stop;
  run.grace = kGrace;
  run.idle_timeout = call.idle_timeout;
  run.max_output = kMostOutput;
  std::optional<Reporter> reporter;
  if (progress != nullptr) {
    reporter.emplace(*progress, call.shows_progress);
    run.on_output = [&](int fd, std::string_view bytes) {
      if (fd == 2) {
        reporter->Take(bytes);
      }
    };
  }
  const std::string verb = call.args.empty() ? "" : call.args.front();
  Result<ProcessOutput> output = RunProcess(std::move(spec), run);
  if (reporter) {
    reporter->Finish(output && output->status.ok());
  }
  if (!output) {
    if (output.error().Is(ErrorCode::kNotFound)) {
      return Unexpected(
          Error(ErrorCode::kFailedPrecondition, "git sources need the program git, which is not installed")
              .WithHint("install git, or use the repository as a local context"));
    }
    if (output.error().Is(ErrorCode::kCanceled)) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    if (output.error().Is(ErrorCode::kDeadlineExceeded)) {
      return Unexpected(Error(ErrorCode::kDeadlineExceeded,
                              fmt::format("git {}: no sign of life for {} s", verb,
                                          std::chrono::duration_cast<std::chrono::seconds>(call.idle_timeout).count()))
                            .WithHint("the server may be down or overloaded: try again later"));
    }
    return tl::unexpected(std::move(output).error());
  }
  if (!output->status.ok()) {
    return tl::unexpected(Failure(verb, *output));
  }
  return std::move(output->out);
}

bool SaysAny(const Error& error, std::initializer_list<std::string_view> parts) {
  const auto* const detail = error.Detail<GitErrorDetail>();
  return detail != nullptr && std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
           return detail->standard_error.find(part) != std::string::npos;
         });
}

}  // namespace loam::source
