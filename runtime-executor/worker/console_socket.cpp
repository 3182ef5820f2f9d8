#include "runtime-executor/worker/console_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace loam::worker {
namespace {

// How often is looked whether the process has ended without sending anything.
constexpr int kPollMilliseconds = 20;

// The descriptor that comes with the next message.
Result<UniqueFd> ReceiveFd(int socket) {
  char text[256];
  iovec data{text, sizeof(text)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (got < 0) {
    return UnexpectedErrno("receive a terminal");
  }
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS || header->cmsg_len < CMSG_LEN(sizeof(int))) {
    return Unexpected(ErrorCode::kFailedPrecondition, "the OCI runtime sent no terminal");
  }
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
  return UniqueFd(fd);
}

}  // namespace

Result<ConsoleSocket> ConsoleSocket::Listen(int dir_fd, const std::string& name) {
  UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", dir_fd, name);
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (!listener.valid() || bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener.get(), 1) != 0) {
    return UnexpectedErrno("make the socket of a terminal");
  }
  return ConsoleSocket(std::move(listener));
}

Result<UniqueFd> ConsoleSocket::Receive(const std::function<bool()>& ended) const {
  pollfd waiting{listener_.get(), POLLIN, 0};
  while (true) {
    const bool last = ended();
    const int ready = poll(&waiting, 1, last ? 0 : kPollMilliseconds);
    if (ready < 0 && errno != EINTR) {
      return UnexpectedErrno("wait for a terminal");
    }
    if (ready > 0) {
      break;
    }
    if (last) {
      return Unexpected(ErrorCode::kFailedPrecondition, "the process ended before it had a terminal");
    }
  }
  const UniqueFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!connection.valid()) {
    return UnexpectedErrno("accept a terminal");
  }
  return ReceiveFd(connection.get());
}

}  // namespace loam::worker
