#include "runtime-executor/daemon/server.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <stop_token>
#include <thread>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include "base/file_system.h"
#include "base/stoppable_sleep.h"
#include "runtime-executor/daemon/socket_acceptor.h"
#include "runtime-executor/daemon/systemd.h"
#include "runtime-executor/session/remote/rpc.h"

namespace loam::daemon {
namespace {

constexpr std::string_view kUnix = "unix://";
constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kFd = "fd://";
// For answers that are on their way, and for clients to close their side.
constexpr std::chrono::milliseconds kGrace{1000};

// Of one client. Many builds may share a connection, each with several calls that wait for each other.
constexpr int kMaxStreams = 10'000;
// What calls need that have a thread each; more are refused with RESOURCE_EXHAUSTED.
constexpr int kMaxThreads = 10'000;
// What has come of clients in all and no call has taken yet: beyond it gRPC takes less at a time, then ends
// connections.
constexpr std::size_t kMaxMemory = std::size_t{1} << 30;
// From the connection to HTTP/2's first frames; also the time that TLS has.
constexpr std::chrono::milliseconds kHandshake{20'000};

// Null without TLS.
Result<std::shared_ptr<TlsContext>> Tls(const TlsOptions& options) {
  if (options.enabled()) {
    return TlsContext::Load(options);
  }
  if (!options.client_ca_file.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "an authority of clients needs a certificate of the server");
  }
  return std::shared_ptr<TlsContext>();
}

Result<> PrepareSocket(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash != 0) {
    LOAM_TRY(MakeDirs(path.substr(0, slash), 0711));
  }
  // What a daemon that was killed left behind.
  struct stat info {};
  if (lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) {
      return Unexpected(ErrorCode::kFailedPrecondition, fmt::format("{} exists and is no socket", path));
    }
    if (unlink(path.c_str()) != 0) {
      return UnexpectedErrno("remove " + path);
    }
  }
  return {};
}

Result<std::optional<gid_t>> GroupOf(const ServerOptions& options) {
  if (options.socket_group.empty()) {
    return options.socket_gid;
  }
  const std::string& name = options.socket_group;
  gid_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size()) {
    return std::optional(number);
  }
  const struct group* entry = getgrnam(name.c_str());
  if (entry == nullptr) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("group: unknown group {}", name));
  }
  return std::optional(entry->gr_gid);
}

Result<> ShareSocket(const std::string& path, std::optional<uid_t> user, std::optional<gid_t> group) {
  constexpr auto kKeep = static_cast<uid_t>(-1);
  if (chmod(path.c_str(), group ? 0660 : 0600) != 0 ||
      chown(path.c_str(), user.value_or(kKeep), group.value_or(kKeep)) != 0) {
    return UnexpectedErrno("share " + path);
  }
  return {};
}

Result<UniqueFd> ListenUnix(const std::string& path) {
  LOAM_TRY(PrepareSocket(path));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Unexpected(
        ErrorCode::kInvalidArgument,
        fmt::format("cannot listen on {}: a socket's path has at most {} bytes", path, sizeof(address.sun_path) - 1));
  }
  path.copy(address.sun_path, path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // The socket is nobody else's from the moment it is made.
  const mode_t before = umask(0177);
  const bool bound = fd.valid() && bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  const int error = errno;
  umask(before);
  errno = error;
  if (!bound || listen(fd.get(), SOMAXCONN) != 0) {
    return UnexpectedErrno("cannot listen on " + path);
  }
  return fd;
}

}  // namespace

Server::Server() = default;

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                              const std::vector<grpc::Service*>& services) {
  grpc::EnableDefaultHealthCheckService(true);
  const std::optional<gid_t> group = LOAM_TRY(GroupOf(options));
  const std::shared_ptr<TlsContext> tls = LOAM_TRY(Tls(options.tls));
  grpc::ServerBuilder builder;
  grpc::ResourceQuota quota("clients");
  quota.Resize(kMaxMemory);
  quota.SetMaxThreads(kMaxThreads);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(session::kMaxMessageBytes);
  builder.SetMaxSendMessageSize(session::kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, static_cast<int>(kHandshake.count()));
  // The bridge's descriptions of large graphs do not fit the default of 8 KiB.
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 4 << 20);
  std::unique_ptr<Server> server(new Server());
  const auto accept = [&](int listener, const std::shared_ptr<TlsContext>& with) -> Result<> {
    server->acceptors_.push_back(LOAM_TRY(SocketAcceptor::Create(builder, listener, with, &server->connections_)));
    return {};
  };
  for (const std::string& address : options.addresses) {
    if (address.starts_with(kUnix)) {
      const std::string path = address.substr(kUnix.size());
      server->listeners_.push_back(LOAM_TRY(ListenUnix(path)));
      server->sockets_.push_back(path);
      LOAM_TRY(ShareSocket(path, options.socket_uid, group));
      LOAM_TRY(accept(server->listeners_.back().get(), nullptr));
    } else if (address.starts_with(kTcp)) {
      server->listeners_.push_back(LOAM_TRY(ListenTcp(address.substr(kTcp.size()))));
      LOAM_TRY(accept(server->listeners_.back().get(), tls));
    } else if (address.starts_with(kFd)) {
      LOAM_TRY(accept(LOAM_TRY(InheritedSocket(std::string_view(address).substr(kFd.size()))), tls));
    } else if (address.find("://") == std::string::npos) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("address {} does not contain proto, you meant unix://{} ?", address, address));
    } else {
      return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("addr {} not supported", address))
                            .WithHint("addresses are unix:///path, tcp://host:port and fd://"));
    }
  }
  for (grpc::Service* service : services) {
    builder.RegisterService(service);
  }
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr) {
    return Unexpected(ErrorCode::kUnavailable, "the server cannot be started");
  }
  for (const auto& acceptor : server->acceptors_) {
    acceptor->Start();
  }
  return server;
}

Server::~Server() {
  Stop();
}

void Server::Stop() {
  if (server_ == nullptr) {
    return;
  }
  // gRPC waits without limit for a client that does not read what was sent to it, or that never says anything.
  std::jthread ender([&](const std::stop_token& done) {
    if (SleepUnlessStopped(kGrace, done)) {
      for (const auto& acceptor : acceptors_) {
        acceptor->Stop();
      }
      connections_.EndAll();
    }
  });
  server_->Shutdown(std::chrono::system_clock::now() + kGrace);
  server_->Wait();
  ender.request_stop();
  ender.join();
  acceptors_.clear();
  listeners_.clear();
  server_.reset();
  for (const std::string& path : sockets_) {
    unlink(path.c_str());
  }
}

}  // namespace loam::daemon
