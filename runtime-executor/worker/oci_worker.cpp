#include "runtime-executor/worker/oci_worker.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/pattern_matcher.h"
#include "base/process.h"
#include "base/rooted_fs.h"
#include "base/strings.h"
#include "runtime-executor/worker/bundle.h"
#include "runtime-executor/worker/mount_stubs.h"
#include "runtime-executor/worker/network_files.h"
#include "runtime-executor/worker/runtime_spec.h"
#include "runtime-executor/worker/seccomp_profile.h"
#include "runtime-executor/worker/supervisor_image.h"
#include "runtime-executor/worker/user_lookup.h"

namespace loam::worker {

namespace {

struct PipeEnds {
  UniqueFd read;
  UniqueFd write;
};
Result<PipeEnds> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return UnexpectedErrno("make a pipe");
  }
  return PipeEnds{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// The supervisor's arguments and descriptors (supervisor/supervisor.cpp explains them).
class SupervisorCall {
 public:
  SupervisorCall() { spec_.args = {"loam-supervisor"}; }
  // The number the descriptor has in the supervisor.
  std::string Pass(int fd) {
    const int number = 3 + static_cast<int>(passed_++);
    spec_.fds.push_back({number, fd});
    return std::to_string(number);
  }
  void Add(std::initializer_list<std::string_view> words) {
    for (std::string_view word : words) {
      spec_.args.emplace_back(word);
    }
  }
  void Add(std::vector<std::string> words) {
    spec_.args.insert(spec_.args.end(), std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
  }
  ProcessSpec& spec() { return spec_; }

 private:
  ProcessSpec spec_;
  std::size_t passed_ = 0;
};

// Reads both streams until they end. All processes of the step hold the pipes, and all are dead when they end. On stop
// it kills the supervisor, and with it the step, and reads on.
Result<> Forward(const Process& supervisor, int out, int err, OutputSink& sink, const std::stop_token& stop) {
  const UniqueFd stop_event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback on_stop(stop, [&] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(stop_event.get(), &one, sizeof(one));
  });
  pollfd polls[3] = {{out, POLLIN, 0}, {err, POLLIN, 0}, {stop_event.get(), POLLIN, 0}};
  char buffer[65536];
  while (polls[0].fd >= 0 || polls[1].fd >= 0) {
    if (poll(polls, 3, -1) < 0) {
      if (errno == EINTR) {
        continue;
      }
      return UnexpectedErrno("poll");
    }
    if (polls[2].revents != 0) {
      supervisor.Kill(SIGKILL);
      polls[2].fd = -1;
    }
    for (int i = 0; i < 2; ++i) {
      if (polls[i].fd < 0 || polls[i].revents == 0) {
        continue;
      }
      const ssize_t got = read(polls[i].fd, buffer, sizeof(buffer));
      if (got > 0) {
        sink.Write(i == 0 ? OutputStream::kStdout : OutputStream::kStderr,
                   std::string_view(buffer, static_cast<std::size_t>(got)));
      } else if (got == 0 || errno != EINTR) {
        polls[i].fd = -1;
      }
    }
  }
  return {};
}

// The last error in the runtime's log (one JSON object a line); "" if it logged none.
std::string RuntimeError(const std::string& log) {
  std::string message;
  for (std::string_view line : Split(log, '\n')) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (entry.is_object() && (entry.value("level", "") == "error" || entry.value("level", "") == "fatal")) {
      message = entry.value("msg", "");
    }
  }
  return message;
}

std::vector<const ExecMount*> ByDestination(const ExecSpec& spec) {
  std::vector<const ExecMount*> mounts;
  for (const ExecMount& mount : spec.mounts) {
    mounts.push_back(&mount);
  }
  // A parent's path is a prefix of its children's, so it comes first.
  std::stable_sort(mounts.begin(), mounts.end(), [](const ExecMount* a, const ExecMount* b) {
    return CleanRootedPath(a->dest) < CleanRootedPath(b->dest);
  });
  return mounts;
}

template <class Action>
class Deferred {
 public:
  explicit Deferred(Action action) : action_(std::move(action)) {}
  ~Deferred() { action_(); }
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

 private:
  Action action_;
};

Result<bool> IsDirectory(const ExecMount& mount) {
  if (mount.kind == MountKind::kTmpfs || mount.kind == MountKind::kFile) {
    return mount.kind == MountKind::kTmpfs;
  }
  UniqueFd selected;
  if (CleanRootedPath(mount.selector) != "/") {
    selected = LOAM_TRY_CONTEXT("mount " + mount.dest, OpenInRoot(mount.fd, mount.selector, O_PATH));
  }
  struct stat info {};
  if (fstat(selected.valid() ? selected.get() : mount.fd, &info) != 0) {
    return UnexpectedErrno("mount " + mount.dest);
  }
  return S_ISDIR(info.st_mode);
}

// A detached copy of a mount of this process's namespace; the supervisor's namespace could not bind from it.
Result<UniqueFd> CloneHostTree(int fd, const std::string& selector) {
  UniqueFd selected;
  if (CleanRootedPath(selector) != "/") {
    selected = LOAM_TRY(OpenInRoot(fd, selector, O_PATH));
  }
  UniqueFd tree(static_cast<int>(syscall(SYS_open_tree, selected.valid() ? selected.get() : fd, "",
                                         OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE)));
  if (!tree.valid()) {
    return UnexpectedErrno(fmt::format("bind {}", selector.empty() ? "a directory of the host" : selector));
  }
  return tree;
}

Result<> MakeWorkingDirectory(int root_fd, const std::string& cwd, const UserIds& user) {
  if (OpenInRoot(root_fd, cwd, O_PATH)) {
    return {};
  }
  MakeDirOptions options;
  options.uid = user.uid;
  options.gid = user.gid;
  LOAM_TRY_CONTEXT(fmt::format("make working directory {}", cwd), MakeDirsInRoot(root_fd, cwd, options));
  return {};
}

}  // namespace

OciWorker::OciWorker(WorkerOptions options, RuntimeKind kind, std::string program, UniqueFd supervisor,
                     CgroupHost cgroups)
    : options_(std::move(options)),
      kind_(kind),
      program_(std::move(program)),
      supervisor_(std::move(supervisor)),
      cgroups_(std::move(cgroups)) {}

OciWorker::~OciWorker() {
  // Succeeds only when no other process has steps there.
  std::error_code error;
  if (cgroups_.version == CgroupVersion::kV2) {
    rmdir((cgroups_.mount + "/" + options_.cgroup_parent).c_str());
  } else if (cgroups_.version == CgroupVersion::kV1) {
    for (const auto& entry : std::filesystem::directory_iterator(cgroups_.mount, error)) {
      rmdir((entry.path().string() + "/" + options_.cgroup_parent).c_str());
    }
  }
}

std::string OciWorker::Describe() const {
  ProcessSpec spec;
  spec.args = {program_, "--version"};
  auto output = RunProcess(std::move(spec));
  std::string_view first = output ? Split(output->out, '\n').front() : std::string_view();
  // "crun version 1.8.1", "runc version 1.1.5"
  const auto version = first.rfind(' ');
  return fmt::format("{} {} ({})", kind_ == RuntimeKind::kCrun ? "crun" : "runc",
                     version == std::string_view::npos ? "?" : first.substr(version + 1), program_);
}

Result<std::string> OciWorker::SeccompProgram() {
  const std::lock_guard lock(mutex_);
  if (!seccomp_) {
    seccomp_ = CompileSeccomp();
  }
  return *seccomp_;
}

Result<ExecResult> OciWorker::Run(const ExecSpec& spec, OutputSink& output, std::stop_token stop) {
  if (spec.network == NetworkMode::kBridge) {
    return Unexpected(Error(ErrorCode::kUnimplemented, "bridge networking is not supported by this worker")
                          .WithHint("use the host's network or none"));
  }
  if (spec.args.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "no command to run");
  }
  UniqueFd selected_root;
  if (CleanRootedPath(spec.root_selector) != "/") {
    selected_root = LOAM_TRY(OpenInRoot(spec.root_fd, spec.root_selector, O_PATH | O_DIRECTORY));
  }
  const int root_fd = selected_root.valid() ? selected_root.get() : spec.root_fd;

  RuntimeSpecInput input;
  input.spec = &spec;
  const UserDatabase users = IsNumericUser(spec.user) ? UserDatabase() : LOAM_TRY(ReadUserDatabase(root_fd));
  input.user = LOAM_TRY(LookUpUser(spec.user, users));
  const std::string hosts =
      LOAM_TRY(HostsFile(spec.hostname.empty() ? kDefaultHostname : spec.hostname, spec.extra_hosts));

  std::vector<MountPoint> mount_points = {{"/proc", true, false},
                                          {"/dev", true, false},
                                          {"/sys", true, false},
                                          {"/etc/resolv.conf", false, true},
                                          {"/etc/hosts", false, true}};
  for (const ExecMount& mount : spec.mounts) {
    mount_points.push_back({mount.dest, LOAM_TRY(IsDirectory(mount)), true});
  }
  const MountStubs stubs(root_fd, std::move(mount_points), spec.remove_mount_stubs_recursive);
  // On every way out, when the step has ended.
  const Deferred remove_stubs([&stubs] { stubs.Remove(); });

  // Everything the runtime reads, on a tmpfs of this step.
  const std::string base = options_.state_dir + "/run";
  const Bundle bundle = LOAM_TRY(Bundle::Create());
  const auto host_resolv_conf = LOAM_TRY(ReadFileIfExists("/etc/resolv.conf"));
  LOAM_TRY(bundle.WriteFile("hosts", hosts));
  LOAM_TRY(bundle.WriteFile("resolv.conf", ResolvConf(host_resolv_conf.value_or(""), spec.network)));
  input.rootfs = base + "/rootfs";
  input.hosts_file = base + "/hosts";
  input.resolv_conf = base + "/resolv.conf";

  auto [out_read, out_write] = LOAM_TRY(MakePipe());
  auto [err_read, err_write] = LOAM_TRY(MakePipe());
  auto [status_read, status_write] = LOAM_TRY(MakePipe());
  auto [alive_read, alive_write] = LOAM_TRY(MakePipe());

  SupervisorCall call;
  call.spec().fds = {{1, out_write.get()}, {2, err_write.get()}};
  if (spec.stdin_fd >= 0) {
    call.spec().fds.push_back({0, spec.stdin_fd});
  }
  const std::string alive_number = call.Pass(alive_read.get());
  const std::string status_number = call.Pass(status_write.get());
  call.Add({alive_number, status_number, "private", "proc"});
  if (cgroups_.hybrid) {
    call.Add({"unmount", cgroups_.mount + "/unified"});  // crun refuses to run in hybrid mode
  }
  call.Add({"attach", call.Pass(bundle.fd()), base});
  if (selected_root.valid()) {
    const std::string number = call.Pass(spec.root_fd);
    call.Add({"attach", number, base + "/whole-rootfs", "bind", number, spec.root_selector, input.rootfs});
  } else {
    call.Add({"attach", call.Pass(spec.root_fd), input.rootfs});
  }
  std::vector<UniqueFd> host_mounts;
  int index = 0;
  for (const ExecMount* mount : ByDestination(spec)) {
    const std::string name = fmt::format("mount-{}", index++);
    const std::string path = base + "/" + name;
    const std::string dest = CleanRootedPath(mount->dest);
    if (dest == "/") {
      return Unexpected(ErrorCode::kInvalidArgument, "a mount at / must be the root filesystem");
    }
    const bool whole = CleanRootedPath(mount->selector) == "/";
    switch (mount->kind) {
      case MountKind::kTmpfs:
        input.mounts.push_back({dest, "", mount->readonly, mount->tmpfs_size});
        continue;
      case MountKind::kFile:
        LOAM_TRY(bundle.WriteFile(name, mount->content, static_cast<mode_t>(mount->mode), mount->uid, mount->gid));
        break;
      case MountKind::kHost:
        host_mounts.push_back(LOAM_TRY(CloneHostTree(mount->fd, mount->selector)));
        call.Add({"attach", call.Pass(host_mounts.back().get()), path});
        break;
      case MountKind::kDetached: {
        const std::string number = call.Pass(mount->fd);
        if (whole) {
          call.Add({"attach", number, path});
        } else {
          call.Add({"attach", number, path + "-whole", "bind", number, mount->selector, path});
        }
        break;
      }
    }
    input.mounts.push_back({dest, path, mount->readonly, 0});
  }

  const bool own_cgroup = kind_ == RuntimeKind::kCrun && cgroups_.version != CgroupVersion::kV2;
  const std::string cgroup_path =
      CleanRootedPath(spec.cgroup_parent.empty() ? options_.cgroup_parent
                                                 : spec.cgroup_parent + "/" + options_.cgroup_parent)
          .substr(1) +
      "/" + StepCgroupName(next_step_++);
  const bool insecure = spec.security == SecurityMode::kInsecure;
  const StepCgroup cgroup = LOAM_TRY(StepCgroup::Create(cgroups_, cgroup_path, spec.resources, insecure, !own_cgroup));
  for (const UniqueFd& procs : cgroup.procs()) {
    call.Add({"cgroup", call.Pass(procs.get())});
  }
  if (!own_cgroup && cgroups_.version != CgroupVersion::kNone) {
    input.cgroup_path = "/" + cgroup_path + "/step";
  }
  input.cgroup_v2 = cgroups_.version == CgroupVersion::kV2;
  if (kind_ == RuntimeKind::kCrun && !insecure) {
    input.seccomp_program = LOAM_TRY(SeccompProgram());
  }
  const std::string config = LOAM_TRY(RuntimeSpecJson(input));
  LOAM_TRY(bundle.WriteFile("config.json", config, 0600));
  LOAM_TRY(MakeWorkingDirectory(root_fd, CleanRootedPath(spec.cwd), input.user));

  std::vector<std::string> command = {"exec",  program_,      "--root",       base + "/state",
                                      "--log", base + "/log", "--log-format", "json"};
  if (kind_ == RuntimeKind::kCrun) {
    command.push_back(own_cgroup ? "--cgroup-manager=disabled" : "--cgroup-manager=cgroupfs");
  }
  command.insert(command.end(), {"run", "--bundle", base, "step"});
  call.Add(std::move(command));

  ProcessSpec& process_spec = call.spec();
  process_spec.program_fd = supervisor_.get();
  process_spec.env = std::vector<std::string>{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  process_spec.cwd = "/";
  process_spec.namespaces = CLONE_NEWPID | CLONE_NEWNS;
  process_spec.die_with_parent = true;
  if (stop.stop_requested()) {
    return Unexpected(ErrorCode::kCanceled, "canceled");
  }
  Process supervisor = LOAM_TRY(Process::Spawn(process_spec));
  for (UniqueFd* fd : {&out_write, &err_write, &status_write, &alive_read}) {
    fd->Reset();
  }
  LOAM_TRY(Forward(supervisor, out_read.get(), err_read.get(), output, stop));
  const ExitStatus status = LOAM_TRY(supervisor.Wait());
  if (stop.stop_requested()) {
    return Unexpected(ErrorCode::kCanceled, "canceled");
  }
  const std::string setup_error = LOAM_TRY(ReadAll(status_read.get(), "status of the step"));
  if (!setup_error.empty()) {
    return Unexpected(ErrorCode::kFailedPrecondition, "set up the step: " + setup_error);
  }
  ExecResult result;
  result.exit_code = status.code;
  result.user_time = status.user_time;
  result.system_time = status.system_time;
  const CgroupUse use = cgroup.Read();
  result.oom_killed = use.oom_killed;
  result.peak_memory_bytes = use.peak_memory_bytes;
  if (status.code != 0) {
    if (const std::string error = RuntimeError(bundle.ReadFile("log")); !error.empty()) {
      return Unexpected(ErrorCode::kFailedPrecondition,
                        fmt::format("{}: {}", kind_ == RuntimeKind::kCrun ? "crun" : "runc", error));
    }
  }
  return result;
}

Result<std::unique_ptr<Worker>> Worker::Open(WorkerOptions options) {
  if (geteuid() != 0) {
    return Unexpected(Error(ErrorCode::kFailedPrecondition, "running a build step needs root")
                          .WithHint("run loam as root, for example with `sudo`"));
  }
  std::optional<std::string> program;
  if (options.runtime.empty()) {
    program = FindProgram("crun");
    if (!program) {
      program = FindProgram("runc");
    }
    if (!program) {
      return Unexpected(
          Error(ErrorCode::kFailedPrecondition, "neither `crun` nor `runc` is installed; build steps need one")
              .WithHint("install it: apt-get install crun"));
    }
  } else {
    program = FindProgram(options.runtime);
    if (!program) {
      return Unexpected(
          Error(ErrorCode::kFailedPrecondition, fmt::format("the OCI runtime `{}` is not installed", options.runtime))
              .WithHint("install it: apt-get install crun"));
    }
  }
  const std::string name = std::filesystem::path(*program).filename();
  RuntimeKind kind = RuntimeKind::kRunc;
  if (name.find("crun") != std::string::npos) {
    kind = RuntimeKind::kCrun;
  } else if (name.find("runc") == std::string::npos) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("the OCI runtime must be crun or runc, not `{}`", *program));
  }
  std::error_code error;
  options.state_dir = std::filesystem::absolute(options.state_dir, error).lexically_normal();
  std::filesystem::create_directories(options.state_dir + "/run", error);
  if (error) {
    return Unexpected(Error::FromErrno(error.value(), "make " + options.state_dir + "/run"));
  }
  CgroupHost cgroups = DetectCgroups();
  RemoveStaleCgroups(cgroups, options.cgroup_parent);
  UniqueFd supervisor = LOAM_TRY(OpenSupervisor());
  return std::make_unique<OciWorker>(std::move(options), kind, *std::move(program), std::move(supervisor),
                                     std::move(cgroups));
}

}  // namespace loam::worker
