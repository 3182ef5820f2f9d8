// Running other programs: spawn with argument vector, environment and descriptors; wait with cancellation and time
// limit; capture. Nothing of the parent's descriptors is inherited but what `fds` names. Spawning does not copy the
// parent's address space (vfork semantics), so it costs the same for a large process.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loam {

struct ProcessSpec {
  // args[0] is the program: a path, or a name that is looked up in PATH (of this process).
  std::vector<std::string> args;
  // "NAME=value"; nullopt: the environment of this process.
  std::optional<std::vector<std::string>> env;
  // Empty: the directory of this process.
  std::string cwd;
  // `parent` becomes descriptor `child`. 0, 1 and 2 are /dev/null when not named.
  struct Fd {
    int child;
    int parent;
  };
  std::vector<Fd> fds;
  // If not -1, the program is this open file; args[0] is only its name.
  int program_fd = -1;
  // CLONE_NEW* flags: namespaces the program starts in.
  unsigned long namespaces = 0;
  // The kernel kills the program when the *thread* that spawned it ends.
  bool die_with_parent = false;
  // Makes the program the leader of a process group of its own, so that Process::KillGroup reaches its children.
  bool new_process_group = false;
  // The program's file mode creation mask; nullopt: that of this process.
  std::optional<mode_t> umask;
};

struct ExitStatus {
  // Exit code, or 128 + signal.
  int code = 0;
  // The signal that ended it; 0 if it exited.
  int signal = 0;
  // CPU time and peak memory of the process and the children it waited for.
  std::chrono::microseconds user_time{};
  std::chrono::microseconds system_time{};
  std::int64_t max_rss_bytes = 0;

  [[nodiscard]] bool ok() const { return code == 0; }
};

// A running child. Destroying it before Wait returned kills it (SIGKILL) and reaps it. One thread at a time, except
// that Kill and KillGroup may be called from any thread while Wait blocks.
class Process {
 public:
  // Errors of the child before the program runs (no such program, no such directory) are errors of Spawn.
  static Result<Process> Spawn(const ProcessSpec& spec);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Readable (poll) when the process has ended.
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }

  // False if it has ended already.
  bool Kill(int signal) const;
  void KillGroup(int signal) const;

  // Blocks until it ends. Does not kill: on stop or at the deadline it returns kCanceled or kDeadlineExceeded and the
  // process still runs.
  Result<ExitStatus> Wait(std::stop_token stop = {},
                          std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt);

 private:
  Process() = default;
  void Abandon();

  pid_t pid_ = -1;
  UniqueFd pidfd_;
  bool group_ = false;
};

struct ProcessOutput {
  ExitStatus status;
  std::string out;
  std::string err;
};

struct RunOptions {
  // Written to the program's standard input, then closed.
  std::string_view input;
  std::optional<std::chrono::milliseconds> timeout;
  std::stop_token stop;
  // More output than this is an error (kResourceExhausted).
  std::size_t max_output = std::size_t{64} << 20;
  // Ends the program if it writes nothing for this long (kDeadlineExceeded).
  std::optional<std::chrono::milliseconds> idle_timeout;
  // Before it is killed, the program and its group get SIGTERM and this long to clean up.
  std::chrono::milliseconds grace{0};
  // Sees the output as it comes: descriptor 1 or 2, and the bytes.
  std::function<void(int fd, std::string_view bytes)> on_output;
};

// Runs to the end and captures standard output and error (spec.fds must not name 0, 1 or 2). A non-zero exit is not an
// error. On stop, time limit or too much output the program and its process group are killed, and the Result says so.
Result<ProcessOutput> RunProcess(ProcessSpec spec, const RunOptions& options = {});

// The absolute path of `name` in PATH, or with a fixed list of system directories when PATH lacks them
// (/usr/local/sbin … /bin); nullopt if there is no such executable file.
std::optional<std::string> FindProgram(std::string_view name);

}  // namespace loam
