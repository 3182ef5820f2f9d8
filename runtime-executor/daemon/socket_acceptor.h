// Takes connections from a socket that somebody else listens on (systemd), and hands them to a gRPC server.
#pragma once

#include <memory>
#include <thread>

#include <grpcpp/server_builder.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loam::daemon {

class SocketAcceptor {
 public:
  // `listener` is not owned and stays open. Before the server is built.
  static Result<std::unique_ptr<SocketAcceptor>> Create(grpc::ServerBuilder& builder, int listener,
                                                        std::shared_ptr<grpc::ServerCredentials> credentials);
  // Stops taking connections.
  ~SocketAcceptor();
  SocketAcceptor(const SocketAcceptor&) = delete;
  SocketAcceptor& operator=(const SocketAcceptor&) = delete;

  // Once the server runs.
  void Start();

 private:
  SocketAcceptor(int listener, UniqueFd wake_read, UniqueFd wake_write)
      : listener_(listener), wake_read_(std::move(wake_read)), wake_write_(std::move(wake_write)) {}
  void Loop();

  const int listener_;
  const UniqueFd wake_read_;
  UniqueFd wake_write_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::thread thread_;
};

}  // namespace loam::daemon
