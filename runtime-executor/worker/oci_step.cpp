#include "runtime-executor/worker/oci_step.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/pattern_matcher.h"
#include "base/rooted_fs.h"
#include "base/strings.h"
#include "runtime-executor/worker/network_files.h"
#include "runtime-executor/worker/runtime_spec.h"
#include "runtime-executor/worker/user_lookup.h"

namespace loam::worker {

namespace {

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

// "c 10:200 rwm": what the step's devices need to be let through.
std::vector<std::string> DeviceRules(const ExecSpec& spec) {
  std::vector<std::string> rules;
  for (const cdi::DeviceNode& device : spec.edits.devices) {
    rules.push_back(fmt::format("{} {}:{} {}", device.type, device.major, device.minor, device.permissions));
  }
  return rules;
}

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

std::string LogFile(int index) {
  return fmt::format("log-{}", index);
}

void AddStreams(const ProcessStreams& streams, SupervisorCall& call) {
  const int fds[] = {streams.in, streams.out, streams.err};
  for (int number = 0; number < 3; ++number) {
    if (fds[number] >= 0) {
      call.spec().fds.push_back({number, fds[number]});
    }
  }
}

}  // namespace

Result<PipeEnds> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return UnexpectedErrno("make a pipe");
  }
  return PipeEnds{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<SupervisedProcess> SupervisedProcess::Start(SupervisorCall call) {
  auto [status_read, status_write] = LOAM_TRY(MakePipe());
  auto [alive_read, alive_write] = LOAM_TRY(MakePipe());
  const std::string alive = call.Pass(alive_read.get());
  const std::string status = call.Pass(status_write.get());
  ProcessSpec& spec = call.spec();
  spec.args.insert(spec.args.begin() + 1, {alive, status});
  spec.env = std::vector<std::string>{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  spec.cwd = "/";
  spec.die_with_parent = true;
  Process process = LOAM_TRY(Process::Spawn(spec));
  return SupervisedProcess(std::move(process), std::move(alive_write), std::move(status_read));
}

Result<ExitStatus> SupervisedProcess::Finish() {
  const ExitStatus status = LOAM_TRY(process_.Wait());
  const std::string setup_error = LOAM_TRY(ReadAll(status_.get(), "status of the step"));
  if (!setup_error.empty()) {
    return Unexpected(ErrorCode::kFailedPrecondition, "set up the step: " + setup_error);
  }
  return status;
}

Result<std::unique_ptr<OciStep>> OciStep::Prepare(const OciSetup& setup, const ExecSpec& spec,
                                                  const ProcessStreams& streams, std::uint64_t number,
                                                  const std::stop_token& stop) {
  if (spec.args.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "no command to run");
  }
  // The runtime reads strings up to their NUL: what runs would not be what was written.
  for (const auto* words : {&spec.args, &spec.env}) {
    for (const std::string& word : *words) {
      if (word.find('\0') != std::string::npos) {
        return Unexpected(ErrorCode::kInvalidArgument, "an argument or variable of the command has a NUL byte");
      }
    }
  }
  Bundle bundle = LOAM_TRY(Bundle::Create());
  std::unique_ptr<OciStep> step(new OciStep(setup, spec, std::move(bundle)));
  LOAM_TRY(step->JoinNetwork(stop));
  LOAM_TRY(step->Build(streams, number));
  return step;
}

OciStep::~OciStep() {
  if (stubs_ != nullptr) {
    stubs_->Remove();
  }
}

std::string OciStep::PidFile(int index) const {
  return fmt::format("{}/pid-{}", base_, index);
}

std::vector<std::string> OciStep::RuntimeCommand(const std::string& log) const {
  std::vector<std::string> command = {"exec",  setup_.program,    "--root",       base_ + "/state",
                                      "--log", base_ + "/" + log, "--log-format", "json"};
  if (setup_.kind == RuntimeKind::kCrun) {
    command.emplace_back(own_cgroup_ ? "--cgroup-manager=disabled" : "--cgroup-manager=cgroupfs");
  }
  return command;
}

Result<> OciStep::JoinNetwork(const std::stop_token& stop) {
  network_mode_ = spec_.network;
  namespace_fd_ = spec_.network_namespace;
  if (spec_.network == NetworkMode::kWorker) {
    network_mode_ = NetworkMode::kHost;
    if (setup_.options->networks != nullptr) {
      network_ = LOAM_TRY_CONTEXT(
          "network of the step",
          setup_.options->networks->Take({spec_.hostname, spec_.security == SecurityMode::kInsecure}, stop));
      network_mode_ = NetworkMode::kNone;
      namespace_fd_ = network_->namespace_fd();
    }
  }
  return {};
}

Result<> OciStep::Build(const ProcessStreams& streams, std::uint64_t number) {
  const ExecSpec& spec = spec_;
  start_.call.spec().program_fd = setup_.supervisor_fd;
  start_.call.spec().namespaces = CLONE_NEWPID | CLONE_NEWNS;
  if (CleanRootedPath(spec.root_selector) != "/") {
    selected_root_ = LOAM_TRY(OpenInRoot(spec.root_fd, spec.root_selector, O_PATH | O_DIRECTORY));
  }
  root_fd_ = selected_root_.valid() ? selected_root_.get() : spec.root_fd;

  RuntimeSpecInput input;
  input.spec = &spec;
  const UserDatabase users = IsNumericUser(spec.user) ? UserDatabase() : LOAM_TRY(ReadUserDatabase(root_fd_));
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
  stubs_ = std::make_unique<MountStubs>(root_fd_, std::move(mount_points), spec.remove_mount_stubs_recursive);

  // Everything the runtime reads, on a tmpfs of this step.
  const auto host_resolv_conf = LOAM_TRY(ReadFileIfExists("/etc/resolv.conf"));
  LOAM_TRY(bundle_.WriteFile("hosts", hosts));
  LOAM_TRY(
      bundle_.WriteFile("resolv.conf", ResolvConf(host_resolv_conf.value_or(""), network_mode_, setup_.options->dns)));
  input.rootfs = base_ + "/rootfs";
  input.hosts_file = base_ + "/hosts";
  input.resolv_conf = base_ + "/resolv.conf";

  AddStreams(streams, start_.call);
  start_.call.Add({"private", "proc"});
  if (setup_.cgroups->hybrid) {
    start_.call.Add({"unmount", setup_.cgroups->mount + "/unified"});  // crun refuses to run in hybrid mode
  }
  start_.call.Add({"attach", start_.call.Pass(bundle_.fd()), base_});
  if (selected_root_.valid()) {
    const std::string whole = start_.call.Pass(spec.root_fd);
    start_.call.Add({"attach", whole, base_ + "/whole-rootfs", "bind", whole, spec.root_selector, input.rootfs});
  } else {
    start_.call.Add({"attach", start_.call.Pass(spec.root_fd), input.rootfs});
  }
  input.network = network_mode_;
  if (namespace_fd_ >= 0) {
    input.network_namespace = base_ + "/network";
    host_mounts_.push_back(LOAM_TRY(CloneHostTree(namespace_fd_, "")));
    start_.call.Add({"attach", start_.call.Pass(host_mounts_.back().get()), input.network_namespace});
  }
  int index = 0;
  for (const ExecMount* mount : ByDestination(spec)) {
    const std::string name = fmt::format("mount-{}", index++);
    const std::string path = base_ + "/" + name;
    const std::string dest = CleanRootedPath(mount->dest);
    if (dest == "/") {
      return Unexpected(ErrorCode::kInvalidArgument, "a mount at / must be the root filesystem");
    }
    const bool whole = CleanRootedPath(mount->selector) == "/";
    switch (mount->kind) {
      case MountKind::kTmpfs:
        input.mounts.push_back({dest, "", mount->readonly, mount->tmpfs_size, {}});
        continue;
      case MountKind::kFile:
        LOAM_TRY(bundle_.WriteFile(name, mount->content, static_cast<mode_t>(mount->mode), mount->uid, mount->gid));
        break;
      case MountKind::kHost:
        host_mounts_.push_back(LOAM_TRY(CloneHostTree(mount->fd, mount->selector)));
        start_.call.Add({"attach", start_.call.Pass(host_mounts_.back().get()), path});
        break;
      case MountKind::kDetached: {
        const std::string passed = start_.call.Pass(mount->fd);
        if (whole) {
          start_.call.Add({"attach", passed, path});
        } else {
          start_.call.Add({"attach", passed, path + "-whole", "bind", passed, mount->selector, path});
        }
        break;
      }
    }
    input.mounts.push_back({dest, path, mount->readonly, 0, mount->options});
  }

  const bool insecure = spec.security == SecurityMode::kInsecure;
  // A privileged step sees its cgroups and makes others in them: it gets one of every controller.
  own_cgroup_ = setup_.kind == RuntimeKind::kCrun && setup_.cgroups->version != CgroupVersion::kV2 && !insecure;
  const std::string cgroup_path =
      CleanRootedPath(spec.cgroup_parent.empty() ? setup_.options->cgroup_parent
                                                 : spec.cgroup_parent + "/" + setup_.options->cgroup_parent)
          .substr(1) +
      "/" + StepCgroupName(number);
  cgroup_ = std::make_unique<StepCgroup>(LOAM_TRY(
      StepCgroup::Create(*setup_.cgroups, cgroup_path, spec.resources, insecure, DeviceRules(spec), !own_cgroup_)));
  for (const UniqueFd& procs : cgroup_->procs()) {
    start_.call.Add({"cgroup", start_.call.Pass(procs.get())});
  }
  if (!own_cgroup_ && setup_.cgroups->version != CgroupVersion::kNone) {
    input.cgroup_path = "/" + cgroup_path + "/step";
  }
  input.cgroup_v2 = setup_.cgroups->version == CgroupVersion::kV2;
  input.cgroup_mount = setup_.cgroups->version != CgroupVersion::kNone;
  if (!insecure) {
    input.seccomp_program = setup_.seccomp_program;
  }
  input.terminal = streams.terminal;
  const std::string config = LOAM_TRY(RuntimeSpecJson(input));
  LOAM_TRY(bundle_.WriteFile("config.json", config, 0600));
  LOAM_TRY(MakeWorkingDirectory(root_fd_, CleanRootedPath(spec.cwd), input.user));

  std::vector<std::string> command = RuntimeCommand(LogFile(0));
  command.insert(command.end(), {"run", "--pid-file", PidFile(0), "--bundle", base_});
  if (streams.terminal) {
    LOAM_TRY(AddConsole(0, command, start_));
  }
  command.emplace_back("step");
  start_.call.Add(std::move(command));
  return {};
}

Result<> OciStep::AddConsole(int index, std::vector<std::string>& command, Start& start) const {
  if (setup_.kind == RuntimeKind::kCrun) {
    const std::string name = fmt::format("console-{}", index);
    start.console = LOAM_TRY(ConsoleSocket::Listen(bundle_.fd(), name));
    command.insert(command.end(), {"--console-socket", base_ + "/" + name});
  }
  return {};
}

Result<OciStep::Start> OciStep::ExecStart(const Process& supervisor, const ProcessRequest& request,
                                          const ProcessStreams& streams, int index) const {
  ExecSpec spec;
  spec.args = request.args;
  spec.env = request.env;
  spec.cwd = request.cwd;
  spec.security = spec_.security;
  spec.ulimits = spec_.ulimits;
  RuntimeSpecInput input;
  input.spec = &spec;
  const UserDatabase users = IsNumericUser(request.user) ? UserDatabase() : LOAM_TRY(ReadUserDatabase(root_fd_));
  input.user = LOAM_TRY(LookUpUser(request.user, users));
  input.terminal = streams.terminal;
  const std::string name = fmt::format("process-{}.json", index);
  LOAM_TRY(bundle_.WriteFile(name, LOAM_TRY(ProcessSpecJson(input)), 0600));

  Start start;
  SupervisorCall& call = start.call;
  call.spec().program_fd = setup_.supervisor_fd;
  AddStreams(streams, call);
  for (const UniqueFd& procs : cgroup_->procs()) {
    call.Add({"cgroup", call.Pass(procs.get())});
  }
  call.Add({"enter", call.Pass(supervisor.pidfd()), "fork"});
  std::vector<std::string> command = RuntimeCommand(LogFile(index));
  command.insert(command.end(), {"exec", "--process", base_ + "/" + name, "--pid-file", PidFile(index)});
  if (streams.terminal) {
    LOAM_TRY(AddConsole(index, command, start));
  }
  command.emplace_back("step");
  call.Add(std::move(command));
  return start;
}

SupervisorCall OciStep::SignalCall(const Process& supervisor, int signal, int index) const {
  SupervisorCall call;
  call.spec().program_fd = setup_.supervisor_fd;
  call.Add({"enter", call.Pass(supervisor.pidfd()), "fork", "kill", std::to_string(signal), PidFile(index)});
  return call;
}

bool OciStep::Running() const {
  // Both runtimes write it when the root of the container is in place.
  const char* file = setup_.kind == RuntimeKind::kCrun ? "state/step/status" : "state/step/state.json";
  return Started(0) && !bundle_.ReadFile(file).empty();
}

bool OciStep::Started(int index) const {
  return !bundle_.ReadFile(fmt::format("pid-{}", index)).empty();
}

Result<ExecResult> OciStep::Interpret(const ExitStatus& status, int index) const {
  ExecResult result;
  result.exit_code = status.code;
  result.user_time = status.user_time;
  result.system_time = status.system_time;
  if (index == 0) {
    const CgroupUse use = cgroup_->Read();
    result.oom_killed = use.oom_killed;
    result.peak_memory_bytes = use.peak_memory_bytes;
  }
  if (status.code != 0) {
    if (const std::string error = RuntimeError(bundle_.ReadFile(LogFile(index))); !error.empty()) {
      return Unexpected(ErrorCode::kFailedPrecondition,
                        fmt::format("{}: {}", setup_.kind == RuntimeKind::kCrun ? "crun" : "runc", error));
    }
  }
  return result;
}

}  // namespace loam::worker
