// The program `loam-lsp`, which `loam lsp` becomes: the compiler's front half and what reads the local state folder,
// with nothing of the engine that builds.
#include <malloc.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cli/lsp/engine_facts.h"
#include "cli/lsp/process_commands.h"
#include "cli/lsp/serve.h"
#include "cli/signals/signal_watcher.h"

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;

struct Arguments {
  std::string loam;  // the program that builds
  std::string root;  // its state folder
  std::optional<std::string> port;
};

// nullopt: a word that `loam lsp` does not pass.
std::optional<Arguments> ReadArguments(int argc, char** argv) {
  Arguments read;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const std::string value(equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1));
    if (name == "--loam") {
      read.loam = value;
    } else if (name == "--root") {
      read.root = value;
    } else if (name == "--port") {
      read.port = value;
    } else {
      return std::nullopt;
    }
  }
  return read.loam.empty() || read.root.empty() ? std::nullopt : std::optional(read);
}

int ServePort(const loam::lsp::ServerOptions& options, const std::string& text, const std::stop_token& stop) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) {
    fmt::print(stderr, "error: `--port={}` is no port\n", text);
    return kUsage;
  }
  const loam::Error ended = loam::cli::ServePort(options, port, stop, [](std::uint16_t listening) {
    fmt::print("listening on 127.0.0.1:{}\n", listening);
    std::fflush(stdout);
  });
  if (ended.Is(loam::ErrorCode::kCanceled)) {
    return kInterrupted;
  }
  fmt::print(stderr, "error: {}\n", ended.message());
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  // Two threads that allocate little: one arena keeps the memory small.
  ::mallopt(M_ARENA_MAX, 1);
  const std::stop_token stop = loam::cli::WatchSignals();
  const std::optional<Arguments> arguments = ReadArguments(argc, argv);
  if (!arguments) {
    std::fputs("loam-lsp is started by `loam lsp`; see `loam lsp --help`\n", stderr);
    return kUsage;
  }
  loam::cli::EngineFacts store(arguments->root);
  loam::cli::ProcessCommands commands(arguments->loam, arguments->root);
  const loam::lsp::ServerOptions options{&store, &commands, LOAM_VERSION};
  if (arguments->port) {
    return ServePort(options, *arguments->port, stop);
  }
  return loam::cli::ServeStandardStreams(options, stop) ? 0 : kFailed;
}
