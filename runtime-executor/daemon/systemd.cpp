#include "runtime-executor/daemon/systemd.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "base/strings.h"
#include "base/unique_fd.h"

namespace loam::daemon {
namespace {

constexpr int kFirstSocket = 3;

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

int ToInt(std::string_view text) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : -1;
}

}  // namespace

Result<int> InheritedSocket(std::string_view name) {
  const int count = ToInt(Environment("LISTEN_FDS"));
  if (ToInt(Environment("LISTEN_PID")) != getpid() || count <= 0) {
    return Unexpected(ErrorCode::kNotFound,
                      "no sockets found via socket activation: make sure the service was started by systemd");
  }
  if (name.empty()) {
    return kFirstSocket;
  }
  const int number = ToInt(name);
  if (number >= kFirstSocket && number < kFirstSocket + count) {
    return number;
  }
  const std::vector<std::string_view> names = Split(Environment("LISTEN_FDNAMES"), ':');
  for (int i = 0; i < count && static_cast<std::size_t>(i) < names.size(); ++i) {
    if (names[static_cast<std::size_t>(i)] == name) {
      return kFirstSocket + i;
    }
  }
  return Unexpected(ErrorCode::kNotFound, fmt::format("systemd passed no socket `{}`", name));
}

Result<> NotifyManager(std::string_view state) {
  const std::string_view path = Environment("NOTIFY_SOCKET");
  if (path.empty()) {
    return {};
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@')) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("$NOTIFY_SOCKET cannot be `{}`", path));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') {
    address.sun_path[0] = '\0';  // the abstract name space
  }
  const UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    return UnexpectedErrno("socket");
  }
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API
  if (sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), size) < 0) {
    return UnexpectedErrno("notify " + std::string(path));
  }
  return {};
}

}  // namespace loam::daemon
