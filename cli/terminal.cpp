#include "cli/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>

#include "base/file_system.h"
#include "base/print.h"

namespace loam::cli {
namespace {

// How often the window's size is looked at. A handler of SIGWINCH would be one for the whole process.
constexpr int kSizeInterval = 200;  // ms

winsize SizeOf(int fd) {
  winsize window{};
  if (::ioctl(fd, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0) {
    window.ws_row = 24;
    window.ws_col = 80;
  }
  return window;
}

// Passes on what is typed, uninterpreted, while it lives.
class RawMode {
 public:
  explicit RawMode(int fd) : fd_(fd) {
    active_ = ::tcgetattr(fd_, &saved_) == 0;
    if (active_) {
      termios raw = saved_;
      ::cfmakeraw(&raw);
      ::tcsetattr(fd_, TCSADRAIN, &raw);
    }
  }
  ~RawMode() {
    if (active_) {
      ::tcsetattr(fd_, TCSADRAIN, &saved_);
    }
  }
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;

 private:
  int fd_;
  bool active_ = false;
  termios saved_{};
};

// Between the user's terminal and the step's.
class Peer final : public ops::TerminalPeer {
 public:
  Peer(int in, int out) : in_(in), out_(out) {}

  void Attach(worker::ContainerProcess& process) override {
    winsize known{};
    const int master = process.terminal();
    pollfd polls[2] = {{master, POLLIN, 0}, {in_, POLLIN, 0}};
    char buffer[16384];
    while (true) {
      if (const winsize now = SizeOf(out_); now.ws_row != known.ws_row || now.ws_col != known.ws_col) {
        known = now;
        static_cast<void>(process.Resize(now.ws_row, now.ws_col));  // of one that has ended nobody needs it
      }
      const int ready = ::poll(polls, 2, kSizeInterval);
      if (ready < 0 && errno != EINTR) {
        return;
      }
      if (ready <= 0) {
        continue;
      }
      if (polls[0].revents != 0) {
        const ssize_t got = ::read(master, buffer, sizeof(buffer));
        if (got > 0) {
          static_cast<void>(WriteAll(out_, std::string_view(buffer, static_cast<std::size_t>(got)), "the terminal"));
        } else if (got == 0 || errno != EINTR) {
          return;  // EIO: nobody has the other end any more
        }
      }
      if (polls[1].fd >= 0 && polls[1].revents != 0) {
        const ssize_t got = ::read(in_, buffer, sizeof(buffer));
        if (got > 0) {
          static_cast<void>(
              WriteAll(master, std::string_view(buffer, static_cast<std::size_t>(got)), "the step's terminal"));
        } else if (got == 0 || errno != EINTR) {
          polls[1].fd = -1;
        }
      }
    }
  }

 private:
  const int in_;
  const int out_;
};

class Lender final : public ops::TerminalLender {
 public:
  Lender(const Context& context, std::shared_ptr<ProgressDisplay> display)
      : context_(context), display_(std::move(display)) {}

  Result<> Lend(const std::string& title, const std::function<Result<>(ops::TerminalPeer&)>& body,
                std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    if (!free_.wait(lock, stop, [&] { return !lent_; })) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    lent_ = true;
    lock.unlock();
    display_->Suspend();
    PrintTo(context_.err, "\n--- {}\n--- the terminal is this step's until its process ends\n", title);
    std::fflush(context_.err);
    Result<> done;
    {
      const RawMode raw(context_.in_fd);
      Peer peer(context_.in_fd, ::fileno(context_.err));
      done = body(peer);
    }
    PrintTo(context_.err, "--- end of the terminal\n");
    std::fflush(context_.err);
    display_->Resume();
    lock.lock();
    lent_ = false;
    free_.notify_one();
    return done;
  }
  [[nodiscard]] std::string type() const override { return context_.Env("TERM"); }

 private:
  const Context& context_;
  const std::shared_ptr<ProgressDisplay> display_;
  std::mutex mutex_;  // guards lent_
  std::condition_variable_any free_;
  bool lent_ = false;
};

}  // namespace

std::shared_ptr<ops::TerminalLender> MakeTerminalLender(const Context& context,
                                                        std::shared_ptr<ProgressDisplay> display) {
  if (::isatty(context.in_fd) != 1 || ::isatty(::fileno(context.err)) != 1) {
    return nullptr;
  }
  return std::make_shared<Lender>(context, std::move(display));
}

void OpenShellInFailedStep(const Context& context, const RunInFailedStep& run, ops::TerminalLender& terminal) {
  // The best shell that the image has; the environment is the step's.
  const std::vector<std::string> shell = {"/bin/sh", "-c",
                                          "if command -v bash >/dev/null 2>&1; then exec bash; fi; exec /bin/sh"};
  const Result<int> code = run(shell, terminal);
  if (!code && !code.error().Is(ErrorCode::kNotFound) && !context.stop.stop_requested()) {
    PrintError(context, Error(code.error()).Wrap("no shell in the failed step"));
  }
}

}  // namespace loam::cli
