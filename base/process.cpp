#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

#include "base/check.h"
#include "base/descriptor_limit.h"
#include "base/strings.h"

extern char** environ;

#ifdef __SANITIZE_THREAD__
extern "C" int __clone(int (*entry)(void*), void* stack, int flags, void* argument, ...);  // NOLINT: glibc's name
#endif

namespace loam {

namespace {

// glibc's clone(). ThreadSanitizer puts its own before it, which takes the child for a copy of this process and
// switches itself off there, in the memory that is shared with us: nothing of this thread would be seen from then on.
#ifdef __SANITIZE_THREAD__
constexpr auto* kClone = &__clone;
#else
constexpr auto* kClone = &clone;
#endif

constexpr std::size_t kChildStack = std::size_t{64} << 10;
constexpr std::string_view kSystemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// What the child needs, prepared by the parent: between clone and exec only system calls are allowed.
struct ChildPlan {
  const char* program = nullptr;
  int program_fd = -1;
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  const char* cwd = nullptr;
  const ProcessSpec::Fd* fds = nullptr;
  std::size_t fd_count = 0;
  int* moved = nullptr;  // room for fd_count descriptors
  int highest_child_fd = 2;
  bool die_with_parent = false;
  bool new_group = false;
  bool set_umask = false;
  mode_t umask = 0;
  sigset_t signal_mask{};
  const rlimit* descriptor_limit = nullptr;
  // Written by the child, which shares memory with the waiting parent.
  int failed_errno = 0;
  const char* failed_step = nullptr;
};

// What RaiseDescriptorLimit found: a property of the process, set once before there are threads.
std::optional<rlimit> limit_at_start;

int Failed(ChildPlan* plan, const char* step) {
  plan->failed_errno = errno;
  plan->failed_step = step;
  return 127;
}

int ChildMain(void* argument) {
  auto* plan = static_cast<ChildPlan*>(argument);
  // Handlers of the parent would run in the parent's memory.
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_DFL) {
      action.sa_handler = SIG_DFL;
      action.sa_flags = 0;
      sigaction(signal, &action, nullptr);
    }
  }
  if (plan->die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    return Failed(plan, "prctl");
  }
  if (plan->new_group && setpgid(0, 0) != 0) {
    return Failed(plan, "setpgid");
  }
  if (plan->set_umask) {
    umask(plan->umask);
  }
  // Sources are first moved above every target, so that no target overwrites a source still needed.
  int* moved = plan->moved;
  const int base = plan->highest_child_fd + 1;
  for (std::size_t i = 0; i < plan->fd_count; ++i) {
    moved[i] = fcntl(plan->fds[i].parent, F_DUPFD_CLOEXEC, base);
    if (moved[i] < 0) {
      return Failed(plan, "dup");
    }
  }
  int program_fd = plan->program_fd;
  if (program_fd >= 0) {
    program_fd = fcntl(program_fd, F_DUPFD_CLOEXEC, base);
    if (program_fd < 0) {
      return Failed(plan, "dup");
    }
  }
  bool named[3] = {false, false, false};
  for (std::size_t i = 0; i < plan->fd_count; ++i) {
    if (plan->fds[i].child < 3) {
      named[plan->fds[i].child] = true;
    }
    if (dup2(moved[i], plan->fds[i].child) < 0) {
      return Failed(plan, "dup2");
    }
  }
  for (int fd = 0; fd < 3; ++fd) {
    if (named[fd]) {
      continue;
    }
    const int null = open("/dev/null", (fd == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
    if (null < 0 || dup2(null, fd) < 0) {
      return Failed(plan, "open /dev/null");
    }
    if (null > 2) {
      close(null);
    } else if (null == fd) {
      fcntl(fd, F_SETFD, 0);
    }
  }
  // Descriptors that other code opened without O_CLOEXEC stay out too.
  syscall(SYS_close_range, static_cast<unsigned>(base), ~0U, CLOSE_RANGE_CLOEXEC);
  for (int fd = 3; fd < base; ++fd) {
    bool wanted = false;
    for (std::size_t i = 0; i < plan->fd_count; ++i) {
      wanted = wanted || plan->fds[i].child == fd;
    }
    if (!wanted) {
      fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
  }
  if (plan->cwd != nullptr && chdir(plan->cwd) != 0) {
    return Failed(plan, "chdir");
  }
  // Last: the descriptors above may have numbers beyond it.
  if (plan->descriptor_limit != nullptr && setrlimit(RLIMIT_NOFILE, plan->descriptor_limit) != 0) {
    return Failed(plan, "setrlimit");
  }
  sigprocmask(SIG_SETMASK, &plan->signal_mask, nullptr);
  if (program_fd >= 0) {
    syscall(SYS_execveat, program_fd, "", plan->argv, plan->envp, AT_EMPTY_PATH);
  } else {
    execve(plan->program, plan->argv, plan->envp);
  }
  return Failed(plan, "exec");
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

class Mapping {
 public:
  explicit Mapping(std::size_t size)
      : size_(size),
        data_(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {}
  ~Mapping() {
    if (valid()) {
#ifdef __SANITIZE_ADDRESS__
      // The child left its frames by exec: what is mapped here next must not inherit their marks.
      ASAN_UNPOISON_MEMORY_REGION(data_, size_);
#endif
      munmap(data_, size_);
    }
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  [[nodiscard]] bool valid() const {
    return data_ != MAP_FAILED;
  }
  [[nodiscard]] char* end() const {
    return static_cast<char*>(data_) + size_;
  }

 private:
  std::size_t size_;
  void* data_;
};

std::chrono::microseconds Micros(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

// An eventfd that becomes readable when `stop` is requested.
class StopEvent {
 public:
  explicit StopEvent(const std::stop_token& stop) {
    if (stop.stop_possible()) {
      fd_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
      callback_.emplace(stop, Wake{fd_.get()});
    }
  }
  // -1 when it can never be requested; poll ignores it.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  struct Wake {
    int fd;
    void operator()() const {
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = write(fd, &one, sizeof(one));
    }
  };
  UniqueFd fd_;
  std::optional<std::stop_callback<Wake>> callback_;
};

int PollTimeout(const std::optional<std::chrono::steady_clock::time_point>& deadline) {
  if (!deadline) {
    return -1;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
}

}  // namespace

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (limit_at_start || getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) {
    return;
  }
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  // Without it there is less to be had, and an error when that is used up.
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
    limit_at_start = limit;
  }
}

std::optional<std::string> FindProgram(std::string_view name) {
  auto executable = [](const std::string& path) {
    struct stat st {};
    return stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) && access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string_view::npos) {
    std::string path(name);
    return executable(path) ? std::optional(path) : std::nullopt;
  }
  if (name.empty()) {
    return std::nullopt;
  }
  const char* path_variable = std::getenv("PATH");
  for (std::string_view list : {std::string_view(path_variable != nullptr ? path_variable : ""), kSystemPath}) {
    for (std::string_view dir : Split(list, ':')) {
      if (dir.empty()) {
        continue;
      }
      std::string path = fmt::format("{}/{}", dir, name);
      if (executable(path)) {
        return path;
      }
    }
  }
  return std::nullopt;
}

Result<Process> Process::Spawn(const ProcessSpec& spec) {
  LOAM_CHECK(!spec.args.empty(), "a process needs a name");
  std::string program;
  if (spec.program_fd < 0) {
    auto found = FindProgram(spec.args[0]);
    if (!found) {
      return Unexpected(ErrorCode::kNotFound, fmt::format("no program `{}` found", spec.args[0]));
    }
    program = *found;
  }
  const auto argv = Pointers(spec.args);
  static const std::vector<std::string> kNoVariables;
  const auto envp = Pointers(spec.env ? *spec.env : kNoVariables);
  ChildPlan plan;
  plan.program = program.c_str();
  plan.program_fd = spec.program_fd;
  plan.argv = argv.data();
  plan.envp = spec.env ? envp.data() : environ;
  plan.cwd = spec.cwd.empty() ? nullptr : spec.cwd.c_str();
  plan.fds = spec.fds.data();
  plan.fd_count = spec.fds.size();
  std::vector<int> moved(spec.fds.size());
  plan.moved = moved.data();
  for (const ProcessSpec::Fd& fd : spec.fds) {
    plan.highest_child_fd = std::max(plan.highest_child_fd, fd.child);
  }
  plan.die_with_parent = spec.die_with_parent;
  plan.new_group = spec.new_process_group;
  plan.descriptor_limit = limit_at_start ? &*limit_at_start : nullptr;
  plan.set_umask = spec.umask.has_value();
  plan.umask = spec.umask.value_or(0);

  const Mapping stack(kChildStack);
  if (!stack.valid()) {
    return UnexpectedErrno("allocate a stack");
  }
  // No signal may be handled in the child while it shares our memory.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &plan.signal_mask);
  sigset_t ours = plan.signal_mask;
  sigemptyset(&plan.signal_mask);
  int pidfd = -1;
  const int pid =
      kClone(ChildMain, stack.end(), static_cast<int>(CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD | spec.namespaces),
             &plan, &pidfd);
  const int clone_errno = errno;
  pthread_sigmask(SIG_SETMASK, &ours, nullptr);
  if (pid < 0) {
    return Unexpected(Error::FromErrno(clone_errno, fmt::format("start `{}`", spec.args[0])));
  }
  if (plan.failed_step != nullptr) {
    close(pidfd);
    waitpid(pid, nullptr, 0);
    const std::string object = plan.failed_step == std::string_view("chdir") ? " " + spec.cwd : "";
    return Unexpected(
        Error::FromErrno(plan.failed_errno, fmt::format("start `{}`: {}{}", spec.args[0], plan.failed_step, object)));
  }
  Process process;
  process.pid_ = pid;
  process.pidfd_ = UniqueFd(pidfd);
  process.group_ = spec.new_process_group;
  return process;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)), group_(other.group_) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    Abandon();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
    group_ = other.group_;
  }
  return *this;
}

Process::~Process() {
  Abandon();
}

void Process::Abandon() {
  if (pid_ < 0) {
    return;
  }
  KillGroup(SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

bool Process::Kill(int signal) const {
  return pidfd_.valid() && syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) == 0;
}

void Process::KillGroup(int signal) const {
  // Until it is reaped the group's id cannot be reused.
  if (group_ && pid_ > 0) {
    kill(-pid_, signal);
  }
  Kill(signal);
}

Result<ExitStatus> Process::Wait(std::stop_token stop, std::optional<std::chrono::steady_clock::time_point> deadline) {
  LOAM_CHECK(pid_ > 0, "waited for a process that is gone");
  const StopEvent stop_event(stop);
  while (true) {
    pollfd polls[2] = {{pidfd_.get(), POLLIN, 0}, {stop_event.fd(), POLLIN, 0}};
    const int ready = poll(polls, 2, PollTimeout(deadline));
    if (ready < 0 && errno != EINTR) {
      return UnexpectedErrno("poll");
    }
    if (ready > 0 && polls[0].revents != 0) {
      break;
    }
    if (stop.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "canceled");
    }
    if (deadline && std::chrono::steady_clock::now() >= *deadline) {
      return Unexpected(ErrorCode::kDeadlineExceeded, "time limit reached");
    }
  }
  int status = 0;
  rusage usage{};
  while (wait4(pid_, &status, 0, &usage) < 0) {
    if (errno != EINTR) {
      return UnexpectedErrno(fmt::format("wait for process {}", pid_));
    }
  }
  pid_ = -1;
  ExitStatus result;
  if (WIFSIGNALED(status)) {
    result.signal = WTERMSIG(status);
    result.code = 128 + result.signal;
  } else {
    result.code = WEXITSTATUS(status);
  }
  result.user_time = Micros(usage.ru_utime);
  result.system_time = Micros(usage.ru_stime);
  result.max_rss_bytes = static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
  return result;
}

Result<ProcessOutput> RunProcess(ProcessSpec spec, const RunOptions& options) {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  if (options.timeout) {
    deadline = std::chrono::steady_clock::now() + *options.timeout;
  }
  // ours[i], theirs[i]: the two ends for descriptor i of the child.
  UniqueFd ours[3];
  UniqueFd theirs[3];
  for (int i = 0; i < 3; ++i) {
    if (i == 0 && options.input.empty()) {
      continue;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      return UnexpectedErrno("pipe");
    }
    ours[i] = UniqueFd(ends[i == 0 ? 1 : 0]);
    theirs[i] = UniqueFd(ends[i == 0 ? 0 : 1]);
    fcntl(ours[i].get(), F_SETFL, O_NONBLOCK);
    spec.fds.push_back({i, theirs[i].get()});
  }
  spec.new_process_group = true;
  const std::string name = spec.args.empty() ? "" : spec.args[0];
  Process process = LOAM_TRY(Process::Spawn(spec));
  for (UniqueFd& fd : theirs) {
    fd.Reset();
  }

  ProcessOutput output;
  const StopEvent stop_event(options.stop);
  std::string_view input = options.input;
  char buffer[65536];
  auto end = [&](ErrorCode code, std::string_view why) -> Result<ProcessOutput> {
    if (options.grace.count() > 0) {
      process.KillGroup(SIGTERM);
      // What it says now goes nowhere, but is read: a closed pipe would kill it by SIGPIPE, a full one would block it.
      // Not reaped yet: the group's id stays ours for the SIGKILL to those who are left of it.
      const auto limit = std::chrono::steady_clock::now() + options.grace;
      pollfd polls[3] = {{process.pidfd(), POLLIN, 0}, {ours[1].get(), POLLIN, 0}, {ours[2].get(), POLLIN, 0}};
      while (polls[0].revents == 0 && std::chrono::steady_clock::now() < limit) {
        if (poll(polls, 3, PollTimeout(limit)) < 0 && errno != EINTR) {
          break;
        }
        for (int i = 1; i < 3; ++i) {
          if (polls[i].revents == 0) {
            continue;
          }
          const ssize_t got = read(polls[i].fd, buffer, sizeof(buffer));
          if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            polls[i].fd = -1;
          }
        }
      }
    }
    process.KillGroup(SIGKILL);
    return Unexpected(code, fmt::format("run `{}`: {}", name, why));
  };
  // SIGPIPE must not reach this process when the program does not read its input.
  auto last_output = std::chrono::steady_clock::now();
  sigset_t pipe_signal;
  sigset_t before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  while (ours[0].valid() || ours[1].valid() || ours[2].valid()) {
    pollfd polls[4] = {{ours[0].get(), POLLOUT, 0},
                       {ours[1].get(), POLLIN, 0},
                       {ours[2].get(), POLLIN, 0},
                       {stop_event.fd(), POLLIN, 0}};
    const auto idle_end = options.idle_timeout ? std::optional(last_output + *options.idle_timeout) : std::nullopt;
    const auto wake = deadline && idle_end ? std::min(deadline, idle_end) : deadline ? deadline : idle_end;
    if (poll(polls, 4, PollTimeout(wake)) < 0 && errno != EINTR) {
      return UnexpectedErrno("poll");
    }
    if (options.stop.stop_requested()) {
      return end(ErrorCode::kCanceled, "canceled");
    }
    if (deadline && std::chrono::steady_clock::now() >= *deadline) {
      return end(ErrorCode::kDeadlineExceeded, fmt::format("did not end within {} ms", options.timeout->count()));
    }
    if (idle_end && std::chrono::steady_clock::now() >= *idle_end && polls[1].revents == 0 && polls[2].revents == 0) {
      return end(ErrorCode::kDeadlineExceeded, fmt::format("no output for {} ms", options.idle_timeout->count()));
    }
    if (polls[0].revents != 0) {
      pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
      const ssize_t written = write(ours[0].get(), input.data(), input.size());
      const int write_errno = errno;
      if (written < 0 && write_errno == EPIPE) {
        const timespec now{};
        sigtimedwait(&pipe_signal, nullptr, &now);
      }
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      if (written > 0) {
        input.remove_prefix(static_cast<std::size_t>(written));
      }
      if (input.empty() || (written < 0 && write_errno != EAGAIN && write_errno != EINTR)) {
        ours[0].Reset();
      }
    }
    for (int i = 1; i < 3; ++i) {
      if (polls[i].revents == 0) {
        continue;
      }
      const ssize_t got = read(ours[i].get(), buffer, sizeof(buffer));
      if (got > 0) {
        const std::string_view bytes(buffer, static_cast<std::size_t>(got));
        (i == 1 ? output.out : output.err).append(bytes);
        last_output = std::chrono::steady_clock::now();
        if (options.on_output) {
          options.on_output(i, bytes);
        }
      } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        ours[i].Reset();
      }
    }
    if (output.out.size() + output.err.size() > options.max_output) {
      return end(ErrorCode::kResourceExhausted, fmt::format("more than {} bytes of output", options.max_output));
    }
  }
  auto status = process.Wait(options.stop, deadline);
  if (!status) {
    return end(status.error().code(), status.error().message());
  }
  output.status = *status;
  return output;
}

}  // namespace loam
