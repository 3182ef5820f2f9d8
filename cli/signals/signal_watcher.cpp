#include "cli/signals/signal_watcher.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace loam::cli {
namespace {

// Signals are taken by a thread of their own, so that no code runs in a handler.
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

std::stop_token WatchSignals() {
  // Lives until the process ends: its thread may be inside it at any time.
  static auto* const watcher = new SignalWatcher;
  return watcher->token();
}

}  // namespace loam::cli
