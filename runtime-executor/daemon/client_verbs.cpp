#include "runtime-executor/daemon/client_verbs.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "base/file_system.h"
#include "base/print.h"
#include "base/result.h"
#include "base/strings.h"
#include "base/unique_fd.h"
#include "proto/api/services/control/control.grpc.pb.h"
#include "runtime-executor/session/remote/rpc.h"

namespace loam::daemon {
namespace {

namespace control = moby::buildkit::v1;

constexpr std::string_view kDefaultAddress = "unix:///run/buildkit/buildkitd.sock";
constexpr std::chrono::seconds kPatience{10};

struct Address {
  bool is_unix = false;
  std::string path;  // or host
  std::string port;
};

Result<Address> ParseAddress(const std::string& text) {
  constexpr std::string_view kUnix = "unix://";
  constexpr std::string_view kTcp = "tcp://";
  Address address;
  if (text.starts_with(kUnix)) {
    address.is_unix = true;
    address.path = text.substr(kUnix.size());
    return address;
  }
  const std::size_t colon = text.rfind(':');
  if (!text.starts_with(kTcp) || colon < kTcp.size()) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("cannot dial `{}`: use unix:///path or tcp://host:port", text));
  }
  address.path = text.substr(kTcp.size(), colon - kTcp.size());
  address.port = text.substr(colon + 1);
  return address;
}

// NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
Result<UniqueFd> Dial(const Address& address) {
  if (address.is_unix) {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (address.path.size() >= sizeof(name.sun_path)) {
      return Unexpected(ErrorCode::kInvalidArgument, "the path of the socket is too long");
    }
    std::memcpy(name.sun_path, address.path.data(), address.path.size());
    if (!fd.valid() || connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)) != 0) {
      return UnexpectedErrno("dial unix " + address.path);
    }
    return fd;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(address.path.c_str(), address.port.c_str(), &hints, &found); error != 0) {
    return Unexpected(ErrorCode::kUnavailable, fmt::format("dial {}: {}", address.path, gai_strerror(error)));
  }
  Result<UniqueFd> result = Unexpected(ErrorCode::kUnavailable, "dial " + address.path);
  for (const addrinfo* each = found; each != nullptr && !result; each = each->ai_next) {
    UniqueFd fd(socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol));
    if (fd.valid() && connect(fd.get(), each->ai_addr, each->ai_addrlen) == 0) {
      result = std::move(fd);
    } else {
      result = UnexpectedErrno("dial " + address.path);
    }
  }
  freeaddrinfo(found);
  return result;
}
// NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)

// Moves what one descriptor has to the other; false at the end.
bool Move(int from, int to) {
  std::array<char, std::size_t{64} << 10> buffer;
  const ssize_t got = read(from, buffer.data(), buffer.size());
  if (got < 0) {
    return errno == EINTR || errno == EAGAIN;
  }
  return got > 0 && WriteAll(to, std::string_view(buffer.data(), static_cast<std::size_t>(got)), "output").has_value();
}

Result<> DialStdio(const Address& address) {
  const UniqueFd daemon = LOAM_TRY(Dial(address));
  std::array<pollfd, 2> polled = {{{STDIN_FILENO, POLLIN, 0}, {daemon.get(), POLLIN, 0}}};
  while (true) {
    if (poll(polled.data(), polled.size(), -1) < 0) {
      continue;
    }
    if (polled[1].revents != 0 && !Move(daemon.get(), STDOUT_FILENO)) {
      return {};
    }
    if (polled[0].fd >= 0 && polled[0].revents != 0 && !Move(STDIN_FILENO, daemon.get())) {
      shutdown(daemon.get(), SHUT_WR);
      polled[0].fd = -1;
    }
  }
}

class Client {
 public:
  explicit Client(const Address& address)
      : stub_(control::Control::NewStub(
            grpc::CreateChannel(address.is_unix ? "unix:" + address.path : address.path + ":" + address.port,
                                grpc::InsecureChannelCredentials()))) {}

  Result<> Workers() {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    control::ListWorkersResponse response;
    LOAM_TRY(session::CheckGrpcStatus(stub_->ListWorkers(&context, {}, &response), "failed to list workers"));
    PrintTo(stdout, "ID\t\t\t\tPLATFORMS\n");
    for (const auto& worker : response.record()) {
      std::vector<std::string> platforms;
      for (const pb::Platform& platform : worker.platforms()) {
        platforms.push_back(platform.os() + "/" + platform.architecture() +
                            (platform.variant().empty() ? "" : "/" + platform.variant()));
      }
      PrintTo(stdout, "{}\t{}\n", worker.id(), Join(platforms, ","));
    }
    return {};
  }

  Result<> Info() {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    control::InfoResponse response;
    LOAM_TRY(session::CheckGrpcStatus(stub_->Info(&context, {}, &response), "failed to call info"));
    const auto& version = response.buildkitversion();
    PrintTo(stdout, "BuildKit: {} {} {}\n", version.package(), version.version(), version.revision());
    return {};
  }

 private:
  std::unique_ptr<control::Control::Stub> stub_;
};

Result<> Run(const std::vector<std::string>& arguments) {
  const char* host = std::getenv("BUILDKIT_HOST");
  std::string address = host != nullptr && *host != '\0' ? host : std::string(kDefaultAddress);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--addr" && i + 1 < arguments.size()) {
      address = arguments[++i];
    } else if (arguments[i].starts_with("--addr=")) {
      address = arguments[i].substr(std::string_view("--addr=").size());
    } else {
      words.push_back(arguments[i]);
    }
  }
  const std::string verb = Join(words, " ");
  const Address parsed = LOAM_TRY(ParseAddress(address));
  if (verb == "dial-stdio") {
    return DialStdio(parsed);
  }
  if (verb == "debug workers") {
    return Client(parsed).Workers();
  }
  if (verb == "debug info") {
    return Client(parsed).Info();
  }
  return Unexpected(Error(ErrorCode::kUnimplemented, fmt::format("`{}` is not among what this client can do", verb))
                        .WithHint("it has dial-stdio, debug workers and debug info; for the rest use BuildKit's own "
                                  "buildctl, or loam"));
}

}  // namespace

int RunClientVerb(std::string_view program, const std::vector<std::string>& arguments) {
  const Result<> result = Run(arguments);
  if (!result) {
    PrintTo(stderr, "{}: {}\n", program, result.error().message());
    if (!result.error().hint().empty()) {
      PrintTo(stderr, "{}\n", result.error().hint());
    }
  }
  return result ? 0 : 1;
}

}  // namespace loam::daemon
