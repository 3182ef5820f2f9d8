#include "runtime-executor/daemon/socket_acceptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace loam::daemon {

Result<std::unique_ptr<SocketAcceptor>> SocketAcceptor::Create(grpc::ServerBuilder& builder, int listener,
                                                               std::shared_ptr<grpc::ServerCredentials> credentials) {
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) {
    return UnexpectedErrno("pipe2");
  }
  UniqueFd wake_read(fds[0]);
  UniqueFd wake_write(fds[1]);
  if (fcntl(listener, F_SETFD, FD_CLOEXEC) != 0 || fcntl(listener, F_SETFL, O_NONBLOCK) != 0) {
    return UnexpectedErrno("prepare the socket of systemd");
  }
  std::unique_ptr<SocketAcceptor> made(new SocketAcceptor(listener, std::move(wake_read), std::move(wake_write)));
  made->acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, std::move(credentials));
  return made;
}

SocketAcceptor::~SocketAcceptor() {
  wake_write_.Reset();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void SocketAcceptor::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void SocketAcceptor::Loop() {
  std::array<pollfd, 2> polled = {{{listener_, POLLIN, 0}, {wake_read_.get(), POLLIN, 0}}};
  while (true) {
    if (poll(polled.data(), polled.size(), -1) < 0) {
      continue;  // EINTR
    }
    if (polled[1].revents != 0 || (polled[0].revents & (POLLERR | POLLNVAL)) != 0) {
      return;
    }
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
      connection.listener_fd = listener_;
      connection.fd = fd;  // the server closes it
      acceptor_->HandleNewConnection(&connection);
    }
  }
}

}  // namespace loam::daemon
