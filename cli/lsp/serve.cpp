#include "cli/lsp/serve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/unique_fd.h"

namespace loam::cli {
namespace {

constexpr int kInterrupted = 130;

// The port that is listened on, and its socket.
Result<std::pair<UniqueFd, std::uint16_t>> Listen(std::uint16_t port) {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int yes = 1;
  socklen_t size = sizeof(address);
  if (listener.get() < 0 || ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
      ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(listener.get(), 4) != 0 ||
      ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return UnexpectedErrno(fmt::format("listen on 127.0.0.1:{}", port));
  }
  return std::pair(std::move(listener), ntohs(address.sin_port));
}

}  // namespace

bool ServeStandardStreams(const lsp::ServerOptions& options, const std::stop_token& stop) {
  const std::stop_callback end(stop, [] { ::_exit(kInterrupted); });
  return lsp::Server(options).Run(STDIN_FILENO, STDOUT_FILENO) == 0;
}

Error ServePort(const lsp::ServerOptions& options, std::uint16_t port, const std::stop_token& stop,
                const std::function<void(std::uint16_t)>& listening) {
  auto socket = Listen(port);
  if (!socket) {
    return socket.error();
  }
  const int listener = socket->first.get();
  listening(socket->second);
  const std::stop_callback stop_listening(stop, [listener] { ::shutdown(listener, SHUT_RDWR); });
  while (!stop.stop_requested()) {
    const UniqueFd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (client.get() >= 0) {
      const std::stop_callback hang_up(stop, [&] { ::shutdown(client.get(), SHUT_RDWR); });
      lsp::Server(options).Run(client.get(), client.get());
    } else if (errno != EINTR && errno != ECONNABORTED && !stop.stop_requested()) {
      return Error::FromErrno(errno, "wait for a client");
    }
  }
  return Error(ErrorCode::kCanceled, "stopped");
}

}  // namespace loam::cli
