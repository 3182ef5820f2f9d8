// Takes connections from a listening socket (of systemd, or of ours), with TLS or without, and hands them to a gRPC
// server. gRPC's own listeners would not let go of a client that does not read, and have no limit.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <thread>

#include <grpcpp/server_builder.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime-executor/daemon/served_connections.h"
#include "runtime-executor/daemon/tls_connection.h"

namespace loam::daemon {

// A listening socket on "host:port", "[::1]:port" or ":port" (all addresses).
Result<UniqueFd> ListenTcp(const std::string& address);

class SocketAcceptor {
 public:
  // `listener` is not owned and stays open. `tls` may be null. `connections` outlives the acceptor. Before the server
  // is built.
  static Result<std::unique_ptr<SocketAcceptor>> Create(grpc::ServerBuilder& builder, int listener,
                                                        std::shared_ptr<TlsContext> tls,
                                                        ServedConnections* connections);
  // Stops taking connections; ends those with TLS.
  ~SocketAcceptor();
  SocketAcceptor(const SocketAcceptor&) = delete;
  SocketAcceptor& operator=(const SocketAcceptor&) = delete;

  // Once the server runs.
  void Start();
  // The same as the destructor, which need not be called by the same thread.
  void Stop();

 private:
  SocketAcceptor(int listener, UniqueFd wake_read, UniqueFd wake_write, std::shared_ptr<TlsContext> tls,
                 ServedConnections* connections)
      : listener_(listener),
        wake_read_(std::move(wake_read)),
        wake_write_(std::move(wake_write)),
        tls_(std::move(tls)),
        served_(connections) {}
  void Loop();
  void Take(UniqueFd connection);

  const int listener_;
  const UniqueFd wake_read_;
  UniqueFd wake_write_;
  const std::shared_ptr<TlsContext> tls_;
  ServedConnections* const served_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  // Of the loop's thread.
  std::list<std::unique_ptr<TlsConnection>> connections_;
  std::thread thread_;
};

}  // namespace loam::daemon
