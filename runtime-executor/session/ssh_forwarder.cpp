#include "runtime-executor/session/ssh_forwarder.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include <fmt/format.h>

namespace loam::session {

namespace {

Result<UniqueFd> DetachedTmpfs() {
  const UniqueFd context(static_cast<int>(syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  if (!context.valid() || syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "mode", "0711", 0) != 0 ||
      syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return UnexpectedErrno("make a tmpfs");
  }
  UniqueFd mount(static_cast<int>(
      syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)));
  if (!mount.valid()) {
    return UnexpectedErrno("mount a tmpfs");
  }
  return mount;
}

// Bytes on their way in one direction.
struct Direction {
  int from;
  int to;
  std::string pending;
  bool ended = false;
};
struct Connection {
  UniqueFd step;
  UniqueFd agent;
  Direction there;
  Direction back;
};

// Moves what can be moved without blocking; false when the direction is done with.
bool Move(Direction& direction) {
  char buffer[16384];
  while (true) {
    while (!direction.pending.empty()) {
      const ssize_t sent =
          send(direction.to, direction.pending.data(), direction.pending.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0) {
        return errno == EAGAIN || errno == EINTR;
      }
      direction.pending.erase(0, static_cast<std::size_t>(sent));
    }
    const ssize_t got = recv(direction.from, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (got > 0) {
      direction.pending.assign(buffer, static_cast<std::size_t>(got));
    } else if (got == 0) {
      shutdown(direction.to, SHUT_WR);
      return false;
    } else {
      return errno == EAGAIN || errno == EINTR;
    }
  }
}

}  // namespace

Result<std::unique_ptr<SshForwarder>> SshForwarder::Start(std::function<Result<UniqueFd>(std::stop_token)> connect,
                                                          uid_t uid, gid_t gid, mode_t mode) {
  auto forwarder = std::unique_ptr<SshForwarder>(new SshForwarder);
  forwarder->connect_ = std::move(connect);
  forwarder->mount_ = LOAM_TRY(DetachedTmpfs());
  forwarder->wake_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
  forwarder->listener_ = UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", forwarder->mount_.get(), kSocketName);
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (!forwarder->wake_.valid() || !forwarder->listener_.valid() ||
      bind(forwarder->listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(forwarder->listener_.get(), 16) != 0 ||
      fchownat(forwarder->mount_.get(), kSocketName, uid, gid, AT_SYMLINK_NOFOLLOW) != 0 ||
      fchmodat(forwarder->mount_.get(), kSocketName, mode, 0) != 0) {
    return UnexpectedErrno("make the socket of an SSH agent");
  }
  forwarder->thread_ = std::jthread([self = forwarder.get()](const std::stop_token& stop) { self->Serve(stop); });
  return forwarder;
}

SshForwarder::~SshForwarder() {
  thread_.request_stop();
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_.get(), &one, sizeof(one));
}

void SshForwarder::Serve(const std::stop_token& stop) {
  std::vector<Connection> connections;
  while (!stop.stop_requested()) {
    std::vector<pollfd> polls = {{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (const Connection& connection : connections) {
      auto events = [](const Direction& in, const Direction& out) {
        return static_cast<short>((!in.ended && in.pending.empty() ? POLLIN : 0) |
                                  (!out.pending.empty() ? POLLOUT : 0));
      };
      polls.push_back({connection.step.get(), events(connection.there, connection.back), 0});
      polls.push_back({connection.agent.get(), events(connection.back, connection.there), 0});
    }
    if (poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) {
      return;
    }
    for (std::size_t i = 0; i < connections.size();) {
      Connection& connection = connections[i];
      for (Direction* direction : {&connection.there, &connection.back}) {
        if (!direction->ended && !Move(*direction)) {
          direction->ended = true;
        }
      }
      // When the agent has said its last word nothing more can come of it.
      if (connection.back.ended || (connection.there.ended && connection.back.ended)) {
        connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
    UniqueFd step(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (step.valid()) {
      if (auto agent = connect_(stop)) {
        const int from = step.get();
        const int to = agent->get();
        connections.push_back({std::move(step), *std::move(agent), {from, to, {}, false}, {to, from, {}, false}});
      }
    }
  }
}

}  // namespace loam::session
