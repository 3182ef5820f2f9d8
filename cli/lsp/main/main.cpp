// The program `loam-lsp`, which `loam lsp` becomes: the compiler's front half and what reads the local state folder,
// with nothing of the engine that builds.
#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/print.h"
#include "cli/lsp/engine_facts.h"
#include "cli/lsp/process_commands.h"
#include "cli/lsp/serve.h"
#include "cli/signals/signal_watcher.h"

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;

constexpr std::string_view kSessionFlag = "--session";

// Starts this program anew in this process, with its first arguments and environment and a session to go on with. It
// has all it needs from the beginning: a signal handler calls it.
class Restarter {
 public:
  Restarter(int argc, char** argv) {
    for (int i = 0; i < argc; ++i) {
      if (!std::string_view(argv[i]).starts_with(kSessionFlag)) {
        arguments_.push_back(argv[i]);
      }
    }
    arguments_.push_back(session_);
    arguments_.push_back(nullptr);
    for (char** variable = environ; *variable != nullptr; ++variable) {
      environment_.push_back(*variable);
    }
    environment_.push_back(nullptr);
  }

  // Returns only if it fails.
  void Start(int session_fd) {
    char* end = std::copy(kSessionFlag.begin(), kSessionFlag.end(), session_);
    *end++ = '=';
    *std::to_chars(end, std::end(session_) - 1, session_fd).ptr = '\0';
    // A handler's signal is blocked while it runs.
    sigset_t crashes;
    ::sigemptyset(&crashes);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
      ::sigaddset(&crashes, signal);
    }
    ::pthread_sigmask(SIG_UNBLOCK, &crashes, nullptr);
    ::execve("/proc/self/exe", arguments_.data(), environment_.data());
  }

 private:
  char session_[32] = {};
  std::vector<char*> arguments_;
  std::vector<char*> environment_;
};

struct Arguments {
  std::string loam;  // the program that builds
  std::string root;  // its state folder
  std::optional<std::string> port;
  // See Restarter.
  int session_fd = -1;
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
    } else if (name == kSessionFlag) {
      std::from_chars(value.data(), value.data() + value.size(), read.session_fd);
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
    loam::PrintTo(stderr, "error: `--port={}` is no port\n", text);
    return kUsage;
  }
  const loam::Error ended = loam::cli::ServePort(options, port, stop, [](std::uint16_t listening) {
    loam::PrintTo(stdout, "listening on 127.0.0.1:{}\n", listening);
    std::fflush(stdout);
  });
  if (ended.Is(loam::ErrorCode::kCanceled)) {
    return kInterrupted;
  }
  loam::PrintTo(stderr, "error: {}\n", ended.message());
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_NAME, "loam-lsp");  // also where it began anew
  // Two threads that allocate little: one arena keeps the memory small.
  ::mallopt(M_ARENA_MAX, 1);
  const std::stop_token stop = loam::cli::WatchSignals();
  Restarter restarter(argc, argv);
  const std::optional<Arguments> arguments = ReadArguments(argc, argv);
  if (!arguments) {
    std::fputs("loam-lsp is started by `loam lsp`; see `loam lsp --help`\n", stderr);
    return kUsage;
  }
  loam::cli::EngineFacts store(arguments->root);
  loam::cli::ProcessCommands commands(arguments->loam, arguments->root);
  loam::lsp::ServerOptions options{&store, &commands, LOAM_VERSION, {}, arguments->session_fd};
  if (arguments->port) {
    return ServePort(options, *arguments->port, stop);
  }
  options.restart = [&restarter](int session_fd) { restarter.Start(session_fd); };
  return loam::cli::ServeStandardStreams(options, stop) ? 0 : kFailed;
}
