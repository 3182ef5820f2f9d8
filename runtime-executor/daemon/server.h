// The daemon's gRPC server on its addresses.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/daemon/control_service.h"

namespace grpc {
class Server;
}

namespace loam::daemon {

struct TlsOptions {
  std::string certificate_file;
  std::string key_file;
  // Clients must show a certificate of this authority; empty: they need none.
  std::string client_ca_file;
};

struct ServerOptions {
  // "unix:///run/loam/loamd.sock", "tcp://127.0.0.1:1234"
  std::vector<std::string> addresses;
  TlsOptions tls;
  // Group that may use the unix sockets; empty: only the owner.
  std::string socket_group;
};

class Server {
 public:
  // Listens. kInvalidArgument for an address that cannot be, with TLS for unix sockets left out.
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options, ControlServices& services);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Ends all calls; waits for them.
  void Stop();

 private:
  Server(std::unique_ptr<grpc::Server> server, ControlServices& services, std::vector<std::string> sockets);
  std::unique_ptr<grpc::Server> server_;
  ControlServices& services_;
  std::vector<std::string> sockets_;
};

}  // namespace loam::daemon
