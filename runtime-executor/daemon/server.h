// The daemon's gRPC server on its addresses.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime-executor/daemon/served_connections.h"
#include "runtime-executor/daemon/tls_connection.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace loam::daemon {

struct ServerOptions {
  // "unix:///run/loam/loamd.sock", "tcp://127.0.0.1:1234", "fd://" (the first socket of systemd), "fd://4",
  // "fd://name"
  std::vector<std::string> addresses;
  TlsOptions tls;
  // Group (name or number) that may use the unix sockets; empty: only the owner.
  std::string socket_group;
  std::optional<uid_t> socket_uid;
  std::optional<gid_t> socket_gid;
};

class SocketAcceptor;

class Server {
 public:
  // Listens and serves. kInvalidArgument for an address that cannot be. TLS is for tcp and fd, not for unix sockets.
  // The services outlive the server.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                               const std::vector<grpc::Service*>& services);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Ends all calls, and connections whose clients do not end them within a second; waits for the calls' handlers.
  void Stop();

 private:
  Server();
  std::unique_ptr<grpc::Server> server_;
  std::vector<UniqueFd> listeners_;  // ours
  ServedConnections connections_;
  std::vector<std::unique_ptr<SocketAcceptor>> acceptors_;
  std::vector<std::string> sockets_;
};

}  // namespace loam::daemon
