#include "frontend/stdio_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include <grpcpp/create_channel_posix.h>
#include <grpcpp/support/channel_arguments.h>

namespace loam::frontend {
namespace {

constexpr std::size_t kBlock = std::size_t{64} << 10;

// False at the end or on an error.
bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd wait{fd, POLLOUT, 0};
      poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

// Copies until the end of `from`, or until `wake` (if it is one) can be read.
void Pump(int from, int to, int wake) {
  std::array<char, kBlock> block;
  while (true) {
    std::array<pollfd, 2> wait{pollfd{from, POLLIN, 0}, pollfd{wake, POLLIN, 0}};
    if (poll(wait.data(), wake < 0 ? 1 : 2, -1) < 0 && errno != EINTR) {
      return;
    }
    if (wake >= 0 && wait[1].revents != 0) {
      return;
    }
    const ssize_t size = read(from, block.data(), block.size());
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
      return;
    }
    if (size > 0 && !WriteAll(to, {block.data(), static_cast<std::size_t>(size)})) {
      return;
    }
  }
}

}  // namespace

Result<std::unique_ptr<StdioChannel>> StdioChannel::Open(int in, int out) {
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return UnexpectedErrno("make a socket pair");
  }
  std::unique_ptr<StdioChannel> made(new StdioChannel());
  made->inner_ = UniqueFd(pair[0]);
  UniqueFd outer(pair[1]);
  made->wake_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
  if (!made->wake_.valid()) {
    return UnexpectedErrno("make an eventfd");
  }
  if (fcntl(outer.get(), F_SETFL, O_NONBLOCK) != 0) {
    return UnexpectedErrno("make a socket non-blocking");
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  made->channel_ = grpc::CreateCustomInsecureChannelFromFd("localhost", outer.Release(), arguments);
  const int inner = made->inner_.get();
  const int wake = made->wake_.get();
  made->reader_ = std::thread([in, inner, wake] {
    Pump(in, inner, wake);
    // The daemon is gone: pending calls fail.
    shutdown(inner, SHUT_WR);
  });
  made->writer_ = std::thread([inner, out] { Pump(inner, out, -1); });
  return made;
}

StdioChannel::~StdioChannel() {
  if (!reader_.joinable()) {
    return;
  }
  const std::uint64_t one = 1;
  // Cannot fail: the counter is far from its limit.
  static_cast<void>(!write(wake_.get(), &one, sizeof one));
  reader_.join();
  channel_.reset();
  shutdown(inner_.get(), SHUT_RDWR);
  writer_.join();
}

}  // namespace loam::frontend
