#include "runtime-executor/gateway/bridge/bridge_exec.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "proto/frontend/gateway/pb/gateway.pb.h"
#include "runtime-executor/gateway/bridge/error_status.h"
#include "runtime-executor/solver/op.h"

namespace loam::gateway {
namespace {

constexpr std::uint32_t kUnknownExit = 255;
constexpr std::chrono::milliseconds kPoll{50};

struct SignalName {
  std::string_view name;
  int number;
};
constexpr SignalName kSignals[] = {
    {"ABRT", SIGABRT},     {"ALRM", SIGALRM},   {"BUS", SIGBUS},   {"CHLD", SIGCHLD}, {"CLD", SIGCHLD},
    {"CONT", SIGCONT},     {"FPE", SIGFPE},     {"HUP", SIGHUP},   {"ILL", SIGILL},   {"INT", SIGINT},
    {"IO", SIGIO},         {"IOT", SIGIOT},     {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"POLL", SIGPOLL},
    {"PROF", SIGPROF},     {"PWR", SIGPWR},     {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV}, {"STKFLT", SIGSTKFLT},
    {"STOP", SIGSTOP},     {"SYS", SIGSYS},     {"TERM", SIGTERM}, {"TRAP", SIGTRAP}, {"TSTP", SIGTSTP},
    {"TTIN", SIGTTIN},     {"TTOU", SIGTTOU},   {"URG", SIGURG},   {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
    {"VTALRM", SIGVTALRM}, {"WINCH", SIGWINCH}, {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
};

Result<int> SignalOf(std::string_view name) {
  if (name.starts_with("SIG")) {
    name.remove_prefix(3);
  }
  for (const SignalName& signal : kSignals) {
    if (signal.name == name) {
      return signal.number;
    }
  }
  return Unexpected(ErrorCode::kInvalidArgument, fmt::format("Unknown signal {}", name));
}

struct Ends {
  UniqueFd ours;
  UniqueFd theirs;
};

// A pipe, or nothing if the descriptor is not wanted. `to_process`: we write.
Result<Ends> MakeEnds(bool to_process) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) {
    return UnexpectedErrno("make a pipe");
  }
  Ends ends;
  ends.ours = UniqueFd(fds[to_process ? 1 : 0]);
  ends.theirs = UniqueFd(fds[to_process ? 0 : 1]);
  return ends;
}

}  // namespace

// A process of the session, with the threads that carry its output and wait for its end.
class ExecSession::ProcessIo {
 public:
  ProcessIo(ExecSession& session, std::string id, ContainerUse container)
      : session_(session),
        id_(std::move(id)),
        container_(std::move(container)),
        on_release_((*container_)->stop(), [this] { stop_.request_stop(); }),
        on_end_(session.stop_.get_token(), [this] { stop_.request_stop(); }) {}

  ~ProcessIo() {
    stop_.request_stop();
    Join();
  }

  Result<> Start(const bridge_api::InitMessage& init) {
    const auto wants = [&init](std::uint32_t fd) {
      return std::find(init.fds().begin(), init.fds().end(), fd) != init.fds().end();
    };
    ops::ContainerStart start;
    start.args.assign(init.meta().args().begin(), init.meta().args().end());
    start.env.assign(init.meta().env().begin(), init.meta().env().end());
    start.secret_env.assign(init.secretenv().begin(), init.secretenv().end());
    start.cwd = init.meta().cwd();
    start.user = init.meta().user();
    start.security = init.security();
    start.remove_mount_stubs_recursive = init.meta().removemountstubsrecursive();
    worker::ProcessStreams streams;
    std::array<Ends, 3> ends;
    if (init.tty()) {
      streams.terminal = true;
    } else {
      for (std::uint32_t fd = 0; fd < 3; ++fd) {
        if (wants(fd)) {
          ends[fd] = LOAM_TRY(MakeEnds(fd == 0));
        }
      }
      streams.in = ends[0].theirs.get();
      streams.out = ends[1].theirs.get();
      streams.err = ends[2].theirs.get();
    }
    auto started_process = (***container_).Start(start, streams, stop_.get_token());
    if (!started_process) {
      // For the caller it is a process that ended at once.
      SendStarted();
      for (const std::uint32_t fd : {1U, 2U}) {
        if (wants(fd)) {
          SendEnd(fd);
        }
      }
      SendExit(kUnknownExit, started_process.error());
      SendDone();
      return {};
    }
    process_ = *std::move(started_process);
    for (Ends& end : ends) {
      end.theirs.Reset();
    }
    SendStarted();
    if (init.tty()) {
      input_ = UniqueFd(fcntl(process_->terminal(), F_DUPFD_CLOEXEC, 0));
      AddOutput(UniqueFd(fcntl(process_->terminal(), F_DUPFD_CLOEXEC, 0)), 1, wants(2));
    } else {
      input_ = std::move(ends[0].ours);
      for (const std::uint32_t fd : {1U, 2U}) {
        if (ends[fd].ours.valid()) {
          AddOutput(std::move(ends[fd].ours), fd, false);
        }
      }
    }
    waiter_ = std::thread([this] { WaitForEnd(); });
    return {};
  }

  // Blocks while the process does not read. What a process that has ended is sent is dropped.
  Result<> Write(const bridge_api::FdMessage& message) {
    if (done_) {
      return {};
    }
    if (message.fd() != 0 || !input_.valid()) {
      return Unexpected(ErrorCode::kOutOfRange, fmt::format("fd {} unavailable to write", message.fd()));
    }
    std::string_view data = message.data();
    while (!data.empty() && !ended_ && !stop_.stop_requested()) {
      pollfd ready{input_.get(), POLLOUT, 0};
      if (poll(&ready, 1, static_cast<int>(kPoll.count())) == 0) {
        continue;
      }
      // At most what a pipe takes at once without blocking.
      const ssize_t written = write(input_.get(), data.data(), std::min<std::size_t>(data.size(), 4096));
      if (written < 0 && errno != EINTR) {
        break;
      }
      data.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
    if (message.eof()) {
      input_.Reset();
    }
    return {};
  }

  // What has ended cannot be signalled, which is no mistake of the caller: it may not know yet.
  void Signal(int signal) {
    if (const auto process = Process()) {
      [[maybe_unused]] const Result<> signalled = process->Signal(signal);
    }
  }
  void Resize(std::uint32_t rows, std::uint32_t columns) {
    if (const auto process = Process()) {
      [[maybe_unused]] const Result<> resized =
          process->Resize(static_cast<std::uint16_t>(rows), static_cast<std::uint16_t>(columns));
    }
  }

  void Join() {
    if (waiter_.joinable()) {
      waiter_.join();
    }
  }
  [[nodiscard]] bool ended() const { return done_; }

 private:
  void AddOutput(UniqueFd from, std::uint32_t fd, bool also_stderr) {
    outputs_.emplace_back([this, from = std::move(from), fd, also_stderr] {
      std::string buffer(std::size_t{32} << 10, '\0');
      while (true) {
        const ssize_t got = read(from.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
          continue;
        }
        if (got <= 0) {  // a terminal ends with EIO
          break;
        }
        bridge_api::ExecMessage message;
        message.set_processid(id_);
        message.mutable_file()->set_fd(fd);
        message.mutable_file()->set_data(buffer.data(), static_cast<std::size_t>(got));
        session_.Send(message);
      }
      SendEnd(fd);
      if (also_stderr) {
        SendEnd(2);
      }
    });
  }

  void SendStarted() {
    bridge_api::ExecMessage started;
    started.set_processid(id_);
    started.mutable_started();
    session_.Send(started);
  }

  void SendEnd(std::uint32_t fd) {
    bridge_api::ExecMessage message;
    message.set_processid(id_);
    message.mutable_file()->set_fd(fd);
    message.mutable_file()->set_eof(true);
    session_.Send(message);
  }

  void WaitForEnd() {
    const Result<worker::ExecResult> result = Process()->Wait(stop_.get_token());
    ended_ = true;
    for (std::thread& output : outputs_) {
      output.join();
    }
    if (!result) {
      SendExit(kUnknownExit, result.error());
    } else if (result->exit_code != 0) {
      SendExit(static_cast<std::uint32_t>(result->exit_code),
               Error(ErrorCode::kUnknown, fmt::format("exit code: {}", result->exit_code))
                   .WithDetail(std::make_shared<const solver::ExitErrorDetail>(result->exit_code)));
    } else {
      SendExit(0, std::nullopt);
    }
    SendDone();
  }

  void SendExit(std::uint32_t code, const std::optional<Error>& error) {
    bridge_api::ExecMessage message;
    message.set_processid(id_);
    message.mutable_exit()->set_code(code);
    if (error) {
      *message.mutable_exit()->mutable_error() = ToRpcStatus(*error);
      (*container_)->Report(*error);
    }
    session_.Send(message);
  }

  // The last message of the process.
  void SendDone() {
    bridge_api::ExecMessage done;
    done.set_processid(id_);
    done.mutable_done();
    session_.Send(done);
    {
      const std::lock_guard lock(mutex_);
      process_.reset();
    }
    container_.reset();
    done_ = true;
  }

  std::shared_ptr<worker::ContainerProcess> Process() {
    const std::lock_guard lock(mutex_);
    return process_;
  }

  ExecSession& session_;
  const std::string id_;
  std::optional<ContainerUse> container_;  // until the process has ended
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> on_release_;
  std::stop_callback<std::function<void()>> on_end_;
  std::mutex mutex_;
  std::shared_ptr<worker::ContainerProcess> process_;  // guarded by mutex_; until it has ended
  UniqueFd input_;                                     // used by the session's thread only
  std::atomic<bool> ended_ = false;
  std::atomic<bool> done_ = false;
  std::vector<std::thread> outputs_;
  std::thread waiter_;
};

ExecSession::ExecSession(BridgeContainers& containers, ExecStream& stream) : containers_(containers), stream_(stream) {}
ExecSession::~ExecSession() = default;

void ExecSession::Send(const bridge_api::ExecMessage& message) {
  const std::lock_guard lock(write_mutex_);
  stream_.Write(message);
}

Result<> ExecSession::Start(const std::string& id, const bridge_api::InitMessage& init) {
  auto process = std::make_unique<ProcessIo>(*this, id, LOAM_TRY(containers_.Use(init.containerid())));
  LOAM_TRY(process->Start(init));
  processes_[id] = std::move(process);
  return {};
}

Result<> ExecSession::Handle(const bridge_api::ExecMessage& message) {
  const std::string& id = message.processid();
  if (id.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "ProcessID required");
  }
  const auto found = processes_.find(id);
  if (message.has_init()) {
    if (found != processes_.end()) {
      return Unexpected(ErrorCode::kAlreadyExists, fmt::format("Process {} already exists", id));
    }
    return Start(id, message.init());
  }
  if (found == processes_.end()) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("IO for process \"{}\" not found", id));
  }
  ProcessIo& process = *found->second;
  if (message.has_file()) {
    return process.Write(message.file());
  }
  if (message.has_resize()) {
    process.Resize(message.resize().rows(), message.resize().cols());
  } else if (message.has_signal()) {
    process.Signal(LOAM_TRY(SignalOf(message.signal().name())));
  }
  return {};
}

Result<> ExecSession::Run(std::stop_token stop) {
  const std::stop_callback on_stop(stop, [this] {
    stop_.request_stop();
    stream_.Cancel();
  });
  Result<> handled;
  bridge_api::ExecMessage message;
  while (handled && stream_.Read(message)) {
    handled = Handle(message);
  }
  if (!handled) {
    stop_.request_stop();
  }
  while (std::any_of(processes_.begin(), processes_.end(), [](const auto& entry) { return !entry.second->ended(); })) {
    if (stream_.canceled()) {
      stop_.request_stop();
    }
    std::this_thread::sleep_for(kPoll);
  }
  processes_.clear();
  return handled;
}

}  // namespace loam::gateway
