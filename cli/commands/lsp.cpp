// loam lsp: the language server, on standard input and output or for clients of a loopback port.
#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>

#include <fmt/format.h>

#include "base/unique_fd.h"
#include "cli/commands/common.h"
#include "cli/commands/verbs.h"
#include "cli/lsp/engine_facts.h"
#include "cli/lsp/process_commands.h"
#include "language-server/server/server.h"

namespace loam::cli {
namespace {

constexpr Flag kFlags[] = {
    {.name = "stdio",
     .short_name = 0,
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "use standard input and output (the default)"},
    {.name = "port",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "PORT",
     .help = "listen on this port of 127.0.0.1 instead; 0 is a free one, which is printed"},
    kRootFlag,
};

// The port that is listened on, and its socket.
Result<std::pair<UniqueFd, int>> Listen(const std::string& text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`--port={}` is no port", text));
  }
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
  return std::pair(std::move(listener), static_cast<int>(ntohs(address.sin_port)));
}

// One client after the other, until the program is told to stop.
Exit ServePort(const Context& context, const lsp::ServerOptions& options, const std::string& port) {
  auto listening = Listen(port);
  if (!listening) {
    PrintError(context, listening.error());
    return listening.error().Is(ErrorCode::kInvalidArgument) ? Exit::kUsage : Exit::kFailed;
  }
  const int listener = listening->first.get();
  fmt::print(context.out, "listening on 127.0.0.1:{}\n", listening->second);
  std::fflush(context.out);
  const std::stop_callback stop_listening(context.stop, [listener] { ::shutdown(listener, SHUT_RDWR); });
  while (!context.stop.stop_requested()) {
    const UniqueFd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (client.get() >= 0) {
      const std::stop_callback hang_up(context.stop, [&] { ::shutdown(client.get(), SHUT_RDWR); });
      lsp::Server(options).Run(client.get(), client.get());
    } else if (errno != EINTR && errno != ECONNABORTED) {
      break;
    }
  }
  return context.stop.stop_requested() ? Exit::kInterrupted : Exit::kFailed;
}

Exit Run(Context& context, const Flags& flags) {
  // Two threads that allocate little: one arena keeps the memory small.
  ::mallopt(M_ARENA_MAX, 1);
  const std::string root = StateRoot(context, flags);
  EngineFacts store(root);
  ProcessCommands commands(root);
  const lsp::ServerOptions options{&store, &commands, LOAM_VERSION};
  if (flags.Has("port")) {
    return ServePort(context, options, flags.String("port"));
  }
  // A read of standard input cannot be interrupted; there is nothing to put away.
  const std::stop_callback end(context.stop, [] { ::_exit(static_cast<int>(Exit::kInterrupted)); });
  return lsp::Server(options).Run(context.in_fd, STDOUT_FILENO) == 0 ? Exit::kOk : Exit::kFailed;
}

}  // namespace

const Command kLspCommand = {.name = "lsp",
                             .summary = "serve editors: the language server for Dockerfiles and Earthfiles",
                             .usage = "loam lsp [--stdio | --port PORT]",
                             .flags = kFlags,
                             .run = Run};

}  // namespace loam::cli
