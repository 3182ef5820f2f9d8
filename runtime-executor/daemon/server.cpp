#include "runtime-executor/daemon/server.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include "base/file_system.h"

namespace loam::daemon {
namespace {

constexpr std::string_view kUnix = "unix://";
constexpr std::string_view kTcp = "tcp://";
constexpr std::chrono::seconds kGrace{10};

Result<std::shared_ptr<grpc::ServerCredentials>> Credentials(const TlsOptions& tls) {
  if (tls.certificate_file.empty()) {
    return grpc::InsecureServerCredentials();
  }
  grpc::SslServerCredentialsOptions options(tls.client_ca_file.empty()
                                                ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_key_cert_pairs.push_back({LOAM_TRY(ReadFile(tls.key_file)), LOAM_TRY(ReadFile(tls.certificate_file))});
  if (!tls.client_ca_file.empty()) {
    options.pem_root_certs = LOAM_TRY(ReadFile(tls.client_ca_file));
  }
  return grpc::SslServerCredentials(options);
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

Result<> ShareSocket(const std::string& path, const std::string& group) {
  if (group.empty()) {
    if (chmod(path.c_str(), 0600) != 0) {
      return UnexpectedErrno("chmod " + path);
    }
    return {};
  }
  const struct group* entry = getgrnam(group.c_str());
  if (entry == nullptr) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("no group `{}`", group));
  }
  if (chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) != 0 || chmod(path.c_str(), 0660) != 0) {
    return UnexpectedErrno("share " + path);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, ControlServices& services) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(INT_MAX);
  builder.SetMaxSendMessageSize(INT_MAX);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // The bridge's descriptions of large graphs do not fit the default of 8 KiB.
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 4 << 20);
  std::vector<std::string> sockets;
  std::vector<int> ports(options.addresses.size(), -1);
  for (std::size_t i = 0; i < options.addresses.size(); ++i) {
    const std::string& address = options.addresses[i];
    if (address.starts_with(kUnix)) {
      const std::string path = address.substr(kUnix.size());
      LOAM_TRY(PrepareSocket(path));
      sockets.push_back(path);
      builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials(), &ports[i]);
    } else if (address.starts_with(kTcp)) {
      builder.AddListeningPort(address.substr(kTcp.size()), LOAM_TRY(Credentials(options.tls)), &ports[i]);
    } else {
      return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("cannot listen on `{}`", address))
                            .WithHint("addresses are unix:///path and tcp://host:port"));
    }
  }
  for (grpc::Service* service : services.services()) {
    builder.RegisterService(service);
  }
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (server == nullptr || ports[i] == 0) {
      return Unexpected(ErrorCode::kUnavailable, fmt::format("cannot listen on {}", options.addresses[i]));
    }
  }
  for (const std::string& path : sockets) {
    LOAM_TRY(ShareSocket(path, options.socket_group));
  }
  return std::unique_ptr<Server>(new Server(std::move(server), services, std::move(sockets)));
}

Server::Server(std::unique_ptr<grpc::Server> server, ControlServices& services, std::vector<std::string> sockets)
    : server_(std::move(server)), services_(services), sockets_(std::move(sockets)) {}

Server::~Server() {
  Stop();
}

void Server::Stop() {
  if (server_ == nullptr) {
    return;
  }
  services_.Stop();
  server_->Shutdown(std::chrono::system_clock::now() + kGrace);
  server_->Wait();
  server_.reset();
  for (const std::string& path : sockets_) {
    unlink(path.c_str());
  }
}

}  // namespace loam::daemon
