#include "runtime-executor/worker/oci_container.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/format.h>

namespace loam::worker {

namespace {

// How often is looked whether a process has started; it takes about 10 ms.
constexpr std::chrono::milliseconds kPoll{2};

struct Terminal {
  UniqueFd ours;
  UniqueFd theirs;
};

Result<Terminal> OpenTerminal() {
  Terminal terminal;
  terminal.ours = UniqueFd(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.ours.valid() || unlockpt(terminal.ours.get()) != 0) {
    return UnexpectedErrno("open a terminal");
  }
  terminal.theirs = UniqueFd(ioctl(terminal.ours.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.theirs.valid()) {
    return UnexpectedErrno("open the other end of a terminal");
  }
  return terminal;
}

Error Canceled() {
  return Error(ErrorCode::kCanceled, "context canceled");
}

}  // namespace

// A supervisor process and the thread that started it and waits for it: the kernel ends the process with that thread.
class OciContainer::OneProcess {
 public:
  using Interpret = std::function<Result<ExecResult>(const ExitStatus&)>;

  OneProcess() = default;
  ~OneProcess() {
    Kill();
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  OneProcess(const OneProcess&) = delete;
  OneProcess& operator=(const OneProcess&) = delete;

  // A terminal for a runtime that only copies to and from one.
  Result<> PrepareTerminal(RuntimeKind runtime, ProcessStreams& streams) {
    if (streams.terminal && runtime == RuntimeKind::kRunc) {
      Terminal terminal = LOAM_TRY(OpenTerminal());
      terminal_ = std::move(terminal.ours);
      other_end_ = std::move(terminal.theirs);
      streams.in = streams.out = streams.err = other_end_.get();
    }
    return {};
  }

  // Blocks until the process was spawned and has its terminal.
  Result<> Spawn(OciStep::Start start, Interpret interpret) {
    std::optional<Result<>> spawned;
    thread_ = std::thread([this, &spawned, call = std::move(start.call), interpret = std::move(interpret)]() mutable {
      Result<SupervisedProcess> started = SupervisedProcess::Start(std::move(call));
      {
        const std::lock_guard lock(mutex_);
        other_end_.Reset();
        if (started) {
          supervised_.emplace(*std::move(started));
          spawned.emplace();
        } else {
          spawned.emplace(Unexpected(started.error()));
        }
      }
      changed_.notify_all();
      if (!supervised_) {
        return;
      }
      const Result<ExitStatus> status = supervised_->Finish();
      Result<ExecResult> result = status ? interpret(*status) : Unexpected(status.error());
      {
        const std::lock_guard lock(mutex_);
        result_.emplace(canceled_ ? Unexpected(Canceled()) : std::move(result));
      }
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return spawned.has_value(); });
    lock.unlock();
    LOAM_TRY(*spawned);
    if (start.console) {
      Result<UniqueFd> terminal = start.console->Receive([this] { return ended(); });
      if (!terminal && ended()) {
        return Unexpected(result_->has_value() ? terminal.error() : result_->error());
      }
      terminal_ = LOAM_TRY(std::move(terminal));
    }
    return {};
  }

  // Waits until `started` holds or the process has ended.
  void WaitUntil(const std::function<bool()>& started, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!result_ && !stop.stop_requested()) {
      lock.unlock();
      const bool done = started();
      lock.lock();
      if (done) {
        return;
      }
      changed_.wait_for(lock, kPoll, [this] { return result_.has_value(); });
    }
  }

  Result<ExecResult> Wait(const std::stop_token& stop) {
    const std::stop_callback on_stop(stop, [this] { Kill(); });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return result_.has_value(); });
    return *result_;
  }

  // From now on the result is that it was stopped, however the process ends; false if it has ended already.
  bool Cancel() {
    const std::lock_guard lock(mutex_);
    canceled_ = canceled_ || !result_;
    return !result_;
  }

  // As if it had been stopped.
  void Kill() {
    const std::lock_guard lock(mutex_);
    if (supervised_ && !result_) {
      canceled_ = true;
      supervised_->process().Kill(SIGKILL);
    }
  }

  [[nodiscard]] bool ended() {
    const std::lock_guard lock(mutex_);
    return result_.has_value();
  }

  Result<> Resize(std::uint16_t rows, std::uint16_t columns) {
    if (!terminal_.valid()) {
      return Unexpected(ErrorCode::kFailedPrecondition, "the process has no terminal");
    }
    const winsize size{rows, columns, 0, 0};
    if (ioctl(terminal_.get(), TIOCSWINSZ, &size) != 0) {
      return UnexpectedErrno("set the size of the terminal");
    }
    // runc hands the new size on when it is told to.
    const std::lock_guard lock(mutex_);
    if (supervised_ && !result_) {
      supervised_->process().Kill(SIGWINCH);
    }
    return {};
  }

  [[nodiscard]] int terminal() const { return terminal_.get(); }
  // Valid while the object lives.
  [[nodiscard]] const Process& process() { return supervised_->process(); }

 private:
  UniqueFd terminal_;
  UniqueFd other_end_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<SupervisedProcess> supervised_;  // set once, before Spawn returns
  std::optional<Result<ExecResult>> result_;
  bool canceled_ = false;
  std::thread thread_;
};

// What the container and its further processes share; the processes may outlive the container's handle.
class OciContainer::Shared {
 public:
  Shared(OciSetup setup, const ExecSpec& spec) : setup_(std::move(setup)), spec_(spec) {}

  Result<> Signal(OneProcess& target, int index, int signal) {
    if (target.ended() || init_.ended()) {
      return Unexpected(ErrorCode::kFailedPrecondition, "the process has ended");
    }
    target.WaitUntil([&] { return step_->Started(index); }, {});
    // A process of its own, because this one is not in the PID namespace of the container.
    SupervisedProcess helper = LOAM_TRY(SupervisedProcess::Start(step_->SignalCall(init_.process(), signal, index)));
    const Result<ExitStatus> status = helper.Finish();
    if (target.ended()) {
      return {};
    }
    LOAM_TRY(status);
    return {};
  }

  const OciSetup setup_;
  const ExecSpec spec_;
  std::unique_ptr<OciStep> step_;
  OneProcess init_;
  std::atomic<int> next_process_{1};
};

class OciContainer::Further final : public ContainerProcess {
 public:
  Further(std::shared_ptr<Shared> shared, int index) : shared_(std::move(shared)), index_(index) {}
  ~Further() override { KillInside(); }

  Result<> Start(const ProcessRequest& request, ProcessStreams streams) {
    LOAM_TRY(process_.PrepareTerminal(shared_->setup_.kind, streams));
    OciStep::Start start = LOAM_TRY(shared_->step_->ExecStart(shared_->init_.process(), request, streams, index_));
    const OciStep* step = shared_->step_.get();
    LOAM_TRY(process_.Spawn(
        std::move(start), [step, index = index_](const ExitStatus& status) { return step->Interpret(status, index); }));
    process_.WaitUntil([step, index = index_] { return step->Started(index); }, {});
    return {};
  }

  Result<ExecResult> Wait(std::stop_token stop) override {
    const std::stop_callback on_stop(stop, [this] { KillInside(); });
    return process_.Wait({});
  }
  Result<> Signal(int signal) override { return shared_->Signal(process_, index_, signal); }
  Result<> Resize(std::uint16_t rows, std::uint16_t columns) override { return process_.Resize(rows, columns); }
  [[nodiscard]] int terminal() const override { return process_.terminal(); }

 private:
  // The runtime's `exec` is only the watcher of the process, which would survive it.
  void KillInside() {
    // Before the signal: the watcher may report the death at once.
    if (process_.Cancel()) {
      // The watcher ends when the process has; it is only killed itself if the process could not be.
      if (!shared_->Signal(process_, index_, SIGKILL)) {
        process_.Kill();
      }
    }
  }

  const std::shared_ptr<Shared> shared_;
  const int index_;
  OneProcess process_;
};

OciContainer::OciContainer(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

OciContainer::~OciContainer() {
  shared_->init_.Kill();
  [[maybe_unused]] const auto ended = shared_->init_.Wait({});
}

Result<std::unique_ptr<Container>> OciContainer::Start(OciSetup setup, const ExecSpec& spec,
                                                       const ProcessStreams& streams, std::uint64_t number,
                                                       std::stop_token stop) {
  const auto shared = std::make_shared<Shared>(std::move(setup), spec);
  ProcessStreams own = streams;
  LOAM_TRY(shared->init_.PrepareTerminal(shared->setup_.kind, own));
  shared->step_ = LOAM_TRY(OciStep::Prepare(shared->setup_, shared->spec_, own, number, stop));
  const OciStep* step = shared->step_.get();
  LOAM_TRY(shared->init_.Spawn(shared->step_->TakeStart(),
                               [step](const ExitStatus& status) { return step->Interpret(status, 0); }));
  std::unique_ptr<Container> container(new OciContainer(shared));
  shared->init_.WaitUntil([step] { return step->Running(); }, stop);
  if (stop.stop_requested()) {
    return Unexpected(Canceled());
  }
  return container;
}

Result<ExecResult> OciContainer::Wait(std::stop_token stop) {
  return shared_->init_.Wait(stop);
}

Result<> OciContainer::Signal(int signal) {
  return shared_->Signal(shared_->init_, 0, signal);
}

Result<> OciContainer::Resize(std::uint16_t rows, std::uint16_t columns) {
  return shared_->init_.Resize(rows, columns);
}

int OciContainer::terminal() const {
  return shared_->init_.terminal();
}

Result<std::unique_ptr<ContainerProcess>> OciContainer::Exec(const ProcessRequest& request,
                                                             const ProcessStreams& streams) {
  if (request.args.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "no command to run");
  }
  if (shared_->init_.ended()) {
    return Unexpected(ErrorCode::kFailedPrecondition, "the container has ended");
  }
  auto process = std::make_unique<Further>(shared_, shared_->next_process_++);
  LOAM_TRY(process->Start(request, streams));
  return process;
}

}  // namespace loam::worker
