#include "runtime-executor/daemon/server.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <climits>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include "base/file_system.h"
#include "runtime-executor/daemon/socket_acceptor.h"
#include "runtime-executor/daemon/systemd.h"

namespace loam::daemon {
namespace {

constexpr std::string_view kUnix = "unix://";
constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kFd = "fd://";
constexpr std::chrono::seconds kGrace{10};

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

// Sockets are nobody else's from the moment they are made.
class PrivateFiles {
 public:
  PrivateFiles() : before_(umask(0177)) {}
  ~PrivateFiles() { umask(before_); }
  PrivateFiles(const PrivateFiles&) = delete;
  PrivateFiles& operator=(const PrivateFiles&) = delete;

 private:
  mode_t before_;
};

}  // namespace

Server::Server() = default;

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                              const std::vector<grpc::Service*>& services) {
  grpc::EnableDefaultHealthCheckService(true);
  const std::optional<gid_t> group = LOAM_TRY(GroupOf(options));
  const std::shared_ptr<TlsContext> tls = LOAM_TRY(Tls(options.tls));
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(INT_MAX);
  builder.SetMaxSendMessageSize(INT_MAX);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // The bridge's descriptions of large graphs do not fit the default of 8 KiB.
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 4 << 20);
  std::unique_ptr<Server> server(new Server());
  std::vector<int> ports(options.addresses.size(), -1);
  for (std::size_t i = 0; i < options.addresses.size(); ++i) {
    const std::string& address = options.addresses[i];
    if (address.starts_with(kUnix)) {
      const std::string path = address.substr(kUnix.size());
      LOAM_TRY(PrepareSocket(path));
      server->sockets_.push_back(path);
      builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials(), &ports[i]);
    } else if (address.starts_with(kTcp)) {
      if (tls == nullptr) {
        builder.AddListeningPort(address.substr(kTcp.size()), grpc::InsecureServerCredentials(), &ports[i]);
      } else {
        server->listeners_.push_back(LOAM_TRY(ListenTcp(address.substr(kTcp.size()))));
        server->acceptors_.push_back(LOAM_TRY(SocketAcceptor::Create(builder, server->listeners_.back().get(), tls)));
      }
    } else if (address.starts_with(kFd)) {
      const int socket = LOAM_TRY(InheritedSocket(std::string_view(address).substr(kFd.size())));
      server->acceptors_.push_back(LOAM_TRY(SocketAcceptor::Create(builder, socket, tls)));
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
  {
    const PrivateFiles private_files;
    server->server_ = builder.BuildAndStart();
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (server->server_ == nullptr || ports[i] == 0) {
      return Unexpected(ErrorCode::kUnavailable, fmt::format("cannot listen on {}", options.addresses[i]));
    }
  }
  for (const std::string& path : server->sockets_) {
    LOAM_TRY(ShareSocket(path, options.socket_uid, group));
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
  server_->Shutdown(std::chrono::system_clock::now() + kGrace);
  server_->Wait();
  acceptors_.clear();
  listeners_.clear();
  server_.reset();
  for (const std::string& path : sockets_) {
    unlink(path.c_str());
  }
}

}  // namespace loam::daemon
