// The program `loam`: signals, locale and the command line; everything else is in the library beside it.
#include <clocale>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/commands/earthfile/earth_verbs.h"

namespace {

// The first SIGINT or SIGTERM asks the build to stop; the second one ends the process (steps die with it, see
// runtime-executor/worker). Signals are taken by a thread of their own, so that no code runs in a handler.
class SignalWatcher {
 public:
  SignalWatcher() {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGINT);
    ::sigaddset(&signals_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    std::thread([this] { Watch(); }).detach();
  }

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  void Watch() {
    int signal = 0;
    ::sigwait(&signals_, &signal);
    source_.request_stop();
    ::sigwait(&signals_, &signal);
    // Show the cursor again: the live display may have hidden it.
    static constexpr char kShowCursor[] = "\x1b[?25h";
    if (::isatty(2) == 1) {
      [[maybe_unused]] const auto written = ::write(2, kShowCursor, sizeof(kShowCursor) - 1);
    }
    ::_exit(130);
  }

  ::sigset_t signals_{};
  std::stop_source source_;
};

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  std::signal(SIGPIPE, SIG_IGN);
  // Lives until the process ends: its thread may be inside it at any time.
  auto* const watcher = new SignalWatcher;
  loam::cli::Context context;
  context.stop = watcher->token();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  // A link of this name takes earthly's command line.
  const std::string_view called = argc > 0 ? argv[0] : "";
  const std::string_view name = called.substr(called.rfind('/') + 1);
  const int code = static_cast<int>(name == "earthly" ? loam::cli::RunEarthly(context, arguments)
                                                      : loam::cli::RunMain(context, arguments));
  std::fflush(stdout);
  // Output that could not be written (a full disk behind `-o -`, a closed pipe) is a failure.
  return code == 0 && std::ferror(stdout) != 0 ? 1 : code;
}
