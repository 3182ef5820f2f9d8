// Worker: runs one process in a container by crun or runc. Every run has a supervisor that is process 1 of a PID
// namespace of its own and owns a private mount namespace: nothing appears in the host's mount table, and when the
// caller dies, by whatever means, the kernel ends the whole step.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime-executor/cdi/container_edits.h"
#include "runtime-executor/worker/step_network.h"

namespace loam::worker {

enum class NetworkMode : std::uint8_t {
  kHost,
  // A network namespace with nothing but loopback.
  kNone,
  // What the worker has for its steps (WorkerOptions::networks), else the host's.
  kWorker,
};

enum class SecurityMode : std::uint8_t {
  // Default capabilities, seccomp profile, masked and read-only paths, default devices.
  kSandbox,
  // Privileged: all capabilities of this process, no seccomp, nothing masked, all devices.
  kInsecure,
};

enum class MountKind : std::uint8_t {
  // `fd` is a detached mount (snapshot::MountedFs, ActiveFs, open_tree). The run attaches it in its own mount namespace
  // and uses it up: each run needs a mount of its own. Files below the fd stay reachable for the caller afterwards.
  kDetached,
  // `fd` is any open directory, file or socket of the host (O_PATH suffices); it is bound, the caller keeps it.
  kHost,
  kTmpfs,
  // A file with `content`, owned and permitted as said, on a tmpfs that only this run sees (a secret).
  kFile,
};

struct ExecMount {
  MountKind kind = MountKind::kDetached;
  // Absolute path in the container. Missing mount points are made, and removed again after the run when nothing but the
  // mount used them.
  std::string dest;
  int fd = -1;
  // Path below `fd` (kDetached, kHost), resolved as if `fd` were the root; empty: all of it.
  std::string selector;
  bool readonly = false;
  // Further options of the runtime ("nosuid"); not for kTmpfs.
  std::vector<std::string> options;
  // kTmpfs: limit in bytes, 0: none.
  std::int64_t tmpfs_size = 0;
  // kFile.
  std::string content;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0400;
};

struct HostAddress {
  std::string host;
  std::string ip;
};

// `name` as in getrlimit without RLIMIT_, lower case: "nofile".
struct Ulimit {
  std::string name;
  std::int64_t soft = 0;
  std::int64_t hard = 0;
};

// 0 or empty: no limit.
struct ResourceLimits {
  std::int64_t memory = 0;
  std::int64_t memory_swap = 0;
  std::uint64_t cpu_shares = 0;
  std::uint64_t cpu_period = 0;
  std::int64_t cpu_quota = 0;
  std::string cpuset_cpus;
  std::string cpuset_mems;
};

struct ExecSpec {
  // The root filesystem: a detached mount as MountKind::kDetached, writable unless the mount itself is read-only.
  int root_fd = -1;
  std::string root_selector;
  bool readonly_root = false;
  // In the order they are given, parents first or not: Run sorts by depth.
  std::vector<ExecMount> mounts;

  std::vector<std::string> args;
  // "NAME=value". Run adds nothing but HOME (from /etc/passwd, when absent).
  std::vector<std::string> env;
  // Relative to "/"; empty is "/". Made, owned by the user, when it does not exist.
  std::string cwd;
  // "", "name", "uid", "name:group", "uid:gid"; names are looked up in the root's /etc/passwd and /etc/group.
  std::string user;

  NetworkMode network = NetworkMode::kHost;
  // kNone: the network namespace to use, in place of a new one; -1: a new one.
  int network_namespace = -1;
  SecurityMode security = SecurityMode::kSandbox;
  std::vector<HostAddress> extra_hosts;
  // Empty: "buildkitsandbox", as upstream.
  std::string hostname;
  std::vector<Ulimit> ulimits;
  // Below the worker's own parent; empty: that parent.
  std::string cgroup_parent;
  ResourceLimits resources;
  // Of devices; its mounts are not looked at, they belong to `mounts`.
  cdi::ContainerEdits edits;
  // /dev/shm; 0: 64 MiB.
  std::int64_t shm_size = 0;
  // Also remove the missing parents that were made for mount points.
  bool remove_mount_stubs_recursive = false;
  // Standard input; -1: /dev/null.
  int stdin_fd = -1;
};

enum class OutputStream : std::uint8_t { kStdout, kStderr };

// Receives the output of the process as it comes, on the thread that called Run.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void Write(OutputStream stream, std::string_view bytes) = 0;
};

struct ExecResult {
  // 128 + signal if a signal ended it.
  int exit_code = 0;
  // The kernel killed a process of the step for want of memory.
  bool oom_killed = false;
  std::chrono::microseconds user_time{};
  std::chrono::microseconds system_time{};
  // 0 if the cgroup does not tell.
  std::int64_t peak_memory_bytes = 0;
};

// Streams of a process in a container that runs for longer than one call.
struct ProcessStreams {
  // Open descriptors that the process gets; -1: /dev/null. The caller keeps its own ones.
  int in = -1;
  int out = -1;
  int err = -1;
  // A terminal instead of the three.
  bool terminal = false;
};

// Destroying one kills what still runs of it and waits. Thread-safe.
class ContainerProcess {
 public:
  virtual ~ContainerProcess() = default;
  // Blocks until it has ended. On stop it is killed, and the result is kCanceled. May be called more than once.
  virtual Result<ExecResult> Wait(std::stop_token stop) = 0;
  // kFailedPrecondition if it has ended.
  virtual Result<> Signal(int signal) = 0;
  // The size of the terminal; kFailedPrecondition without one.
  virtual Result<> Resize(std::uint16_t rows, std::uint16_t columns) = 0;
  // This side of the terminal: what is written there is typed, reading ends with EIO. -1 without a terminal.
  [[nodiscard]] virtual int terminal() const = 0;
};

// A further process of a container.
struct ProcessRequest {
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd;
  std::string user;
};

// A container that runs; itself its first process, whose end is the end of all.
class Container : public ContainerProcess {
 public:
  virtual Result<std::unique_ptr<ContainerProcess>> Exec(const ProcessRequest& request,
                                                         const ProcessStreams& streams) = 0;
};

// What resolv.conf of steps says instead of the host's; each list counts where it is not empty.
struct DnsOptions {
  std::vector<std::string> nameservers;
  std::vector<std::string> options;
  std::vector<std::string> search_domains;
};

struct WorkerOptions {
  // Private directory of the worker: `<root>/worker`. Made if missing.
  std::string state_dir;
  // "crun", "runc", or a path; empty: crun, else runc.
  std::string runtime;
  // Cgroup below which every step gets its own, relative to the root of the hierarchy.
  std::string cgroup_parent = "loam";
  DnsOptions dns;
  // May be null.
  std::shared_ptr<StepNetworks> networks;
};

class Worker {
 public:
  virtual ~Worker() = default;

  // kFailedPrecondition, with a hint of what to do, if this process is not root or no runtime is installed.
  // Removes what dead processes left behind (cgroups, bundles).
  static Result<std::unique_ptr<Worker>> Open(WorkerOptions options);

  // Thread-safe; blocks until the process has ended and everything of it is gone. A non-zero exit code is a value.
  // On stop every process of the step is killed (SIGKILL) and the result is kCanceled.
  virtual Result<ExecResult> Run(const ExecSpec& spec, OutputSink& output, std::stop_token stop) = 0;

  // Starts a container and returns when its process runs. The mounts of `spec` must outlive the container; its
  // stdin_fd is not used. The worker outlives the container.
  virtual Result<std::unique_ptr<Container>> Start(const ExecSpec& spec, const ProcessStreams& streams,
                                                   std::stop_token stop) = 0;

  // "crun 1.8.1 (/usr/bin/crun)".
  [[nodiscard]] virtual std::string Describe() const = 0;
};

}  // namespace loam::worker
