#include "runtime-executor/worker/cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::worker {

namespace {

namespace fs = std::filesystem;

bool IsV2(const std::string& path) {
  struct statfs info {};
  return statfs(path.c_str(), &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC;
}
bool IsV1(const std::string& path) {
  struct statfs info {};
  return statfs(path.c_str(), &info) == 0 && info.f_type == CGROUP_SUPER_MAGIC;
}

std::string ReadText(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[8192];
  const ssize_t got = file.valid() ? read(file.get(), buffer, sizeof(buffer)) : -1;
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
}

Result<> WriteText(const std::string& path, std::string_view text) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid() || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return UnexpectedErrno(fmt::format("write {}", path));
  }
  return {};
}

// "key N" of a flat keyed file.
std::int64_t KeyedNumber(const std::string& text, std::string_view key) {
  for (std::string_view line : Split(text, '\n')) {
    const auto parts = SplitOnce(line, ' ');
    if (parts && parts->first == key) {
      std::int64_t value = 0;
      std::from_chars(parts->second.data(), parts->second.data() + parts->second.size(), value);
      return value;
    }
  }
  return 0;
}
std::int64_t PlainNumber(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Makes the directory and its parents; returns the first one that did not exist, "" if all did. Another engine that
// ends may remove a parent that is empty at that moment: then it starts again.
Result<std::string> MakeDirs(const std::string& root, const std::string& path) {
  constexpr int kAttempts = 100;
  std::string first;
  for (int attempt = 1;; ++attempt) {
    std::string current = root;
    bool gone = false;
    for (std::string_view part : Split(path, '/')) {
      if (part.empty()) {
        continue;
      }
      current += '/';
      current += part;
      if (mkdir(current.c_str(), 0755) == 0) {
        if (first.empty()) {
          first = current;
        }
      } else if (errno == ENOENT && attempt < kAttempts) {
        gone = true;
        break;
      } else if (errno != EEXIST) {
        return UnexpectedErrno(fmt::format("make cgroup {}", current));
      }
    }
    if (!gone) {
      return first;
    }
  }
}

// What every process may use: creating nodes, and null, zero, full, random, urandom, tty, console, ptmx, pts.
constexpr std::string_view kDefaultDevices[] = {
    "c *:* m",   "b *:* m",   "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",   "c 1:8 rwm",
    "c 1:9 rwm", "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm",
};

// A new cpuset has no CPUs at all: what is not set comes from the parent.
Result<> FillCpuset(const std::string& root, const std::string& path) {
  std::string current = root;
  for (std::string_view part : Split(path, '/')) {
    if (part.empty()) {
      continue;
    }
    const std::string parent = current;
    current += '/';
    current += part;
    for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
      if (TrimSpace(ReadText(current + "/" + file)).empty()) {
        LOAM_TRY(WriteText(current + "/" + file, TrimSpace(ReadText(parent + "/" + file))));
      }
    }
  }
  return {};
}

// Start time of a process in clock ticks since boot: with the pid it names a process for good.
std::string StartTime(const std::string& pid) {
  const std::string stat = ReadText("/proc/" + pid + "/stat");
  const auto end = stat.rfind(')');
  if (end == std::string::npos) {
    return {};
  }
  // Field 22; the text after ')' begins with field 3.
  const auto fields = Split(std::string_view(stat).substr(end + 2), ' ');
  return fields.size() > 19 ? std::string(fields[19]) : std::string();
}

bool OwnerLives(std::string_view name) {
  const auto parts = Split(name, '-');
  return parts.size() == 4 && parts[0] == "step" && StartTime(std::string(parts[1])) == parts[2];
}

// Nobody waits for what is left in the tree.
void KillTree(const std::string& directory) {
  const std::string processes = ReadText(directory + "/cgroup.procs");
  for (const std::string_view pid : Split(processes, '\n')) {
    if (const auto number = static_cast<pid_t>(PlainNumber(std::string(pid))); number > 0) {
      kill(number, SIGKILL);
    }
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.is_directory(error)) {
      KillTree(entry.path());
    }
  }
}

void RemoveEmptyTree(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.is_directory(error)) {
      RemoveEmptyTree(entry.path());
    }
  }
  rmdir(directory.c_str());
}

// A cgroup is busy until its last process has ended, which takes the kernel a moment after the kill. What cannot be
// killed (a process in the kernel's hands) is left after a second; the next start tries again.
void RemoveTree(const std::string& directory) {
  constexpr int kAttempts = 200;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    RemoveEmptyTree(directory);
    if (access(directory.c_str(), F_OK) != 0) {
      return;
    }
    KillTree(directory);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

CgroupHost DetectCgroups(const std::string& mount) {
  CgroupHost host;
  host.mount = mount;
  if (IsV2(mount)) {
    host.version = CgroupVersion::kV2;
    return host;
  }
  for (const char* name : {"devices", "memory", "cpu", "cpuset"}) {
    if (IsV1(mount + "/" + name)) {
      host.controllers.emplace_back(name);
    }
  }
  host.hybrid = IsV2(mount + "/unified");
  host.version = host.controllers.empty() ? CgroupVersion::kNone : CgroupVersion::kV1;
  return host;
}

Result<StepCgroup> StepCgroup::Create(const CgroupHost& host, const std::string& path, const ResourceLimits& limits,
                                      bool all_devices, const std::vector<std::string>& devices, bool runtime_manages) {
  StepCgroup step;
  if (host.version == CgroupVersion::kNone) {
    const bool limited = limits.memory != 0 || limits.memory_swap != 0 || limits.cpu_shares != 0 ||
                         limits.cpu_quota != 0 || !limits.cpuset_cpus.empty() || !limits.cpuset_mems.empty();
    if (limited) {
      return Unexpected(ErrorCode::kFailedPrecondition,
                        "resource limits need cgroups, and none are mounted at " + host.mount);
    }
    return step;
  }
  if (host.version == CgroupVersion::kV2) {
    LOAM_TRY(MakeDirs(host.mount, path));
    step.parent_v2_ = host.mount + "/" + path;
    step.directories_.push_back(step.parent_v2_);
    return step;
  }
  if (runtime_manages) {
    // The runtime makes and removes its own below `path` in every hierarchy; what remains is the parent.
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(host.mount, error)) {
      if (!entry.is_symlink(error)) {
        step.directories_.push_back(entry.path().string() + "/" + path);
      }
    }
    return step;
  }
  auto has = [&](std::string_view name) {
    return std::find(host.controllers.begin(), host.controllers.end(), name) != host.controllers.end();
  };
  auto need = [&](std::string_view name, std::string_view what) -> Result<std::string> {
    if (!has(name)) {
      return Unexpected(
          ErrorCode::kFailedPrecondition,
          fmt::format("a limit of {} needs the cgroup controller `{}`, which is not mounted", what, name));
    }
    const std::string root = fmt::format("{}/{}", host.mount, name);
    LOAM_TRY(MakeDirs(root, path));
    const std::string directory = root + "/" + path;
    if (std::find(step.directories_.begin(), step.directories_.end(), directory) == step.directories_.end()) {
      step.directories_.push_back(directory);
    }
    return directory;
  };
  if (has("devices") && !all_devices) {
    const std::string directory = LOAM_TRY(need("devices", "devices"));
    LOAM_TRY(WriteText(directory + "/devices.deny", "a"));
    for (std::string_view rule : kDefaultDevices) {
      LOAM_TRY(WriteText(directory + "/devices.allow", rule));
    }
    for (const std::string& rule : devices) {
      LOAM_TRY(WriteText(directory + "/devices.allow", rule));
    }
  }
  if (has("memory") || limits.memory != 0 || limits.memory_swap != 0) {
    step.memory_v1_ = LOAM_TRY(need("memory", "memory"));
    if (limits.memory != 0) {
      LOAM_TRY(WriteText(step.memory_v1_ + "/memory.limit_in_bytes", std::to_string(limits.memory)));
    }
    if (limits.memory_swap != 0) {
      LOAM_TRY(WriteText(step.memory_v1_ + "/memory.memsw.limit_in_bytes", std::to_string(limits.memory_swap)));
    }
  }
  if (limits.cpu_shares != 0 || limits.cpu_period != 0 || limits.cpu_quota != 0) {
    const std::string directory = LOAM_TRY(need("cpu", "CPU time"));
    if (limits.cpu_shares != 0) {
      LOAM_TRY(WriteText(directory + "/cpu.shares", std::to_string(limits.cpu_shares)));
    }
    if (limits.cpu_period != 0) {
      LOAM_TRY(WriteText(directory + "/cpu.cfs_period_us", std::to_string(limits.cpu_period)));
    }
    if (limits.cpu_quota != 0) {
      LOAM_TRY(WriteText(directory + "/cpu.cfs_quota_us", std::to_string(limits.cpu_quota)));
    }
  }
  if (!limits.cpuset_cpus.empty() || !limits.cpuset_mems.empty()) {
    const std::string directory = LOAM_TRY(need("cpuset", "CPUs"));
    LOAM_TRY(FillCpuset(host.mount + "/cpuset", path));
    if (!limits.cpuset_cpus.empty()) {
      LOAM_TRY(WriteText(directory + "/cpuset.cpus", limits.cpuset_cpus));
    }
    if (!limits.cpuset_mems.empty()) {
      LOAM_TRY(WriteText(directory + "/cpuset.mems", limits.cpuset_mems));
    }
  }
  for (const std::string& directory : step.directories_) {
    UniqueFd procs(open((directory + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    if (!procs.valid()) {
      return UnexpectedErrno("open " + directory + "/cgroup.procs");
    }
    step.procs_.push_back(std::move(procs));
  }
  return step;
}

StepCgroup::~StepCgroup() {
  procs_.clear();
  for (auto directory = directories_.rbegin(); directory != directories_.rend(); ++directory) {
    if (rmdir(directory->c_str()) != 0 && errno == EBUSY) {
      RemoveTree(*directory);
    }
  }
}

CgroupUse StepCgroup::Read() const {
  CgroupUse use;
  if (!memory_v1_.empty()) {
    use.oom_killed = KeyedNumber(ReadText(memory_v1_ + "/memory.oom_control"), "oom_kill") > 0;
    use.peak_memory_bytes = PlainNumber(ReadText(memory_v1_ + "/memory.max_usage_in_bytes"));
  } else if (!parent_v2_.empty()) {
    use.oom_killed = KeyedNumber(ReadText(parent_v2_ + "/memory.events"), "oom_kill") > 0;
    use.peak_memory_bytes = PlainNumber(ReadText(parent_v2_ + "/memory.peak"));
  }
  return use;
}

std::string StepCgroupName(std::uint64_t number) {
  const std::string pid = std::to_string(getpid());
  return fmt::format("step-{}-{}-{}", pid, StartTime("self"), number);
}

void RemoveStaleCgroups(const CgroupHost& host, const std::string& parent) {
  std::error_code error;
  std::vector<std::string> roots;
  if (host.version == CgroupVersion::kV2) {
    roots.push_back(host.mount);
  } else if (host.version == CgroupVersion::kV1) {
    for (const auto& entry : fs::directory_iterator(host.mount, error)) {
      if (!entry.is_symlink(error)) {
        roots.push_back(entry.path());
      }
    }
  }
  for (const std::string& root : roots) {
    for (const auto& entry : fs::directory_iterator(root + "/" + parent, error)) {
      const std::string name = entry.path().filename();
      if (entry.is_directory(error) && name.starts_with("step-") && !OwnerLives(name)) {
        RemoveTree(entry.path());
      }
    }
  }
}

}  // namespace loam::worker
