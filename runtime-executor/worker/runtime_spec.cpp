#include "runtime-executor/worker/runtime_spec.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/pattern_matcher.h"
#include "base/strings.h"
#include "base/unique_fd.h"
#include "runtime-executor/worker/seccomp_profile.h"

namespace loam::worker {

namespace {

using nlohmann::json;

constexpr std::string_view kSandboxCapabilities[] = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE",
};

// By number, as in linux/capability.h.
constexpr std::string_view kCapabilityNames[] = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

constexpr std::string_view kMaskedPaths[] = {
    "/proc/acpi",       "/proc/asound",      "/proc/kcore",       "/proc/keys",    "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/sys/devices/virtual/powercap",
    "/proc/scsi",
};
constexpr std::string_view kReadonlyPaths[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

constexpr std::string_view kLimitNames[] = {
    "as",   "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
    "nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",
};

constexpr std::int64_t kDefaultShmSize = std::int64_t{64} << 20;

// The capabilities this process has itself; no other can be given.
json OwnCapabilities() {
  std::uint64_t effective = 0;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) {
      const std::string_view digits = TrimSpace(std::string_view(line).substr(7));
      std::from_chars(digits.data(), digits.data() + digits.size(), effective, 16);
    }
  }
  json names = json::array();
  for (std::size_t number = 0; number < std::size(kCapabilityNames); ++number) {
    if ((effective >> number & 1U) != 0) {
      names.push_back(kCapabilityNames[number]);
    }
  }
  return names;
}

json Strings(std::initializer_list<std::string_view> values) {
  json array = json::array();
  for (std::string_view value : values) {
    array.push_back(value);
  }
  return array;
}

json MountJson(std::string_view dest, std::string_view type, std::string_view source, json options) {
  return {{"destination", dest}, {"type", type}, {"source", source}, {"options", std::move(options)}};
}

json Mounts(const RuntimeSpecInput& input, bool insecure) {
  const std::int64_t shm = input.spec->shm_size > 0 ? input.spec->shm_size : kDefaultShmSize;
  std::vector<json> mounts;
  mounts.push_back(MountJson("/proc", "proc", "proc", Strings({"nosuid", "noexec", "nodev"})));
  mounts.push_back(MountJson("/dev", "tmpfs", "tmpfs", Strings({"nosuid", "strictatime", "mode=755", "size=65536k"})));
  mounts.push_back(MountJson("/dev/pts", "devpts", "devpts",
                             Strings({"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"})));
  mounts.push_back(MountJson("/dev/shm", "tmpfs", "shm",
                             Strings({"nosuid", "noexec", "nodev", "mode=1777", fmt::format("size={}", shm)})));
  mounts.push_back(MountJson("/dev/mqueue", "mqueue", "mqueue", Strings({"nosuid", "noexec", "nodev"})));
  mounts.push_back(
      MountJson("/sys", "sysfs", "sysfs",
                insecure ? Strings({"nosuid", "noexec", "nodev"}) : Strings({"nosuid", "noexec", "nodev", "ro"})));
  const json read_only_file = Strings({"nosuid", "noexec", "nodev", "rbind", "ro"});
  mounts.push_back(MountJson("/etc/resolv.conf", "bind", input.resolv_conf, read_only_file));
  mounts.push_back(MountJson("/etc/hosts", "bind", input.hosts_file, read_only_file));
  if (input.cgroup_mount) {
    mounts.push_back(
        MountJson("/sys/fs/cgroup", "cgroup", "cgroup",
                  insecure ? Strings({"nosuid", "noexec", "nodev"}) : Strings({"nosuid", "noexec", "nodev", "ro"})));
  }
  for (const BundleMount& mount : input.mounts) {
    json entry;
    if (mount.source.empty()) {
      json options = Strings({"nosuid"});
      if (mount.tmpfs_size > 0) {
        options.push_back(fmt::format("size={}", mount.tmpfs_size));
      }
      if (mount.readonly) {
        options.push_back("ro");
      }
      entry = MountJson(mount.dest, "tmpfs", "tmpfs", std::move(options));
    } else {
      json options = mount.readonly ? Strings({"rbind", "ro"}) : Strings({"rbind"});
      for (const std::string& option : mount.options) {
        options.push_back(option);
      }
      entry = MountJson(mount.dest, "bind", mount.source, std::move(options));
    }
    // A mount of the step takes the place of a standard one.
    const auto same = std::find_if(mounts.begin(), mounts.end(),
                                   [&](const json& other) { return other["destination"] == mount.dest; });
    if (same != mounts.end()) {
      *same = std::move(entry);
    } else {
      mounts.push_back(std::move(entry));
    }
  }
  return mounts;
}

Result<json> Limits(const std::vector<Ulimit>& ulimits) {
  json limits = json::array();
  for (const Ulimit& limit : ulimits) {
    const std::string name = ToLowerAscii(limit.name);
    if (std::find(std::begin(kLimitNames), std::end(kLimitNames), name) == std::end(kLimitNames)) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("unknown ulimit `{}`", limit.name));
    }
    if (limit.hard >= 0 && (limit.soft < 0 || limit.soft > limit.hard)) {
      return Unexpected(
          ErrorCode::kInvalidArgument,
          fmt::format("ulimit `{}`: the soft limit {} is above the hard limit {}", limit.name, limit.soft, limit.hard));
    }
    limits.push_back({{"type", "RLIMIT_" + ToUpperAscii(name)},
                      {"soft", static_cast<std::uint64_t>(limit.soft)},
                      {"hard", static_cast<std::uint64_t>(limit.hard)}});
  }
  return limits;
}

json Device(std::string_view path, std::string_view type, int major, int minor) {
  return {{"path", path}, {"type", type}, {"major", major}, {"minor", minor}};
}

int FreeLoopDevice() {
  const UniqueFd control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  constexpr unsigned long kLoopGetFree = 0x4C82;
  const int number = control.valid() ? ioctl(control.get(), kLoopGetFree) : 0;
  return std::max(number, 0);
}

json InsecureDevices() {
  json devices = json::array({Device("/dev/kmsg", "c", 1, 11), Device("/dev/cuse", "c", 10, 203),
                              Device("/dev/fuse", "c", 10, 229), Device("/dev/kvm", "c", 10, 232),
                              Device("/dev/net/tun", "c", 10, 200), Device("/dev/loop-control", "c", 10, 237)});
  const int last = FreeLoopDevice() + 7;
  for (int i = 0; i <= last; ++i) {
    devices.push_back(Device(fmt::format("/dev/loop{}", i), "b", 7, i));
  }
  return devices;
}

json DeviceJson(const cdi::DeviceNode& node) {
  json device = {
      {"path", node.path}, {"type", std::string(1, node.type)}, {"major", node.major}, {"minor", node.minor}};
  if (node.file_mode) {
    device["fileMode"] = *node.file_mode;
  }
  if (node.uid) {
    device["uid"] = *node.uid;
  }
  if (node.gid) {
    device["gid"] = *node.gid;
  }
  return device;
}

json Hooks(const std::vector<cdi::Hook>& hooks) {
  json result = json::object();
  for (const cdi::Hook& hook : hooks) {
    json entry = {{"path", hook.path}};
    if (!hook.args.empty()) {
      entry["args"] = hook.args;
    }
    if (!hook.env.empty()) {
      entry["env"] = hook.env;
    }
    if (hook.timeout_seconds) {
      entry["timeout"] = *hook.timeout_seconds;
    }
    result[hook.name].push_back(std::move(entry));
  }
  return result;
}

json Resources(const ResourceLimits& limits, bool insecure, const std::vector<cdi::DeviceNode>& devices) {
  json resources;
  resources["devices"] = insecure ? json::array({{{"allow", true}, {"type", "c"}, {"access", "rwm"}},
                                                 {{"allow", true}, {"type", "b"}, {"access", "rwm"}}})
                                  : json::array({{{"allow", false}, {"access", "rwm"}}});
  for (const cdi::DeviceNode& node : devices) {
    resources["devices"].push_back({{"allow", true},
                                    {"type", std::string(1, node.type)},
                                    {"major", node.major},
                                    {"minor", node.minor},
                                    {"access", node.permissions}});
  }
  if (limits.memory != 0) {
    resources["memory"]["limit"] = limits.memory;
  }
  if (limits.memory_swap != 0) {
    resources["memory"]["swap"] = limits.memory_swap;
  }
  if (limits.cpu_shares != 0) {
    resources["cpu"]["shares"] = limits.cpu_shares;
  }
  if (limits.cpu_period != 0) {
    resources["cpu"]["period"] = limits.cpu_period;
  }
  if (limits.cpu_quota != 0) {
    resources["cpu"]["quota"] = limits.cpu_quota;
  }
  if (!limits.cpuset_cpus.empty()) {
    resources["cpu"]["cpus"] = limits.cpuset_cpus;
  }
  if (!limits.cpuset_mems.empty()) {
    resources["cpu"]["mems"] = limits.cpuset_mems;
  }
  return resources;
}

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<std::uint8_t>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += i + j <= bytes.size() ? kAlphabet[group >> (18 - 6 * j) & 63U] : '=';
    }
  }
  return text;
}

Result<json> ProcessPart(const RuntimeSpecInput& input) {
  const ExecSpec& spec = *input.spec;
  json capabilities;
  if (spec.security == SecurityMode::kInsecure) {
    const json own = OwnCapabilities();
    for (const char* set : {"bounding", "permitted", "effective", "inheritable", "ambient"}) {
      capabilities[set] = own;
    }
  } else {
    json names = json::array();
    for (std::string_view name : kSandboxCapabilities) {
      names.push_back(name);
    }
    for (const char* set : {"bounding", "permitted", "effective"}) {
      capabilities[set] = names;
    }
  }
  auto groups = input.user.groups;
  groups.insert(groups.end(), spec.edits.additional_gids.begin(), spec.edits.additional_gids.end());
  json process = {{"user", {{"uid", input.user.uid}, {"gid", input.user.gid}, {"additionalGids", groups}}},
                  {"args", spec.args},
                  {"env", spec.env},
                  {"cwd", CleanRootedPath(spec.cwd)},
                  {"capabilities", std::move(capabilities)}};
  if (input.terminal) {
    process["terminal"] = true;
  }
  if (!spec.ulimits.empty()) {
    process["rlimits"] = LOAM_TRY(Limits(spec.ulimits));
  }
  return process;
}

// Bytes that are not UTF-8 (arguments may hold any) cannot be said in JSON: the runtime would see U+FFFD.
Result<std::string> TextOf(const json& config) {
  try {
    return config.dump();
  } catch (const json::exception&) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      "an argument or environment variable is not UTF-8; OCI runtimes cannot take it");
  }
}

}  // namespace

Result<std::string> ProcessSpecJson(const RuntimeSpecInput& input) {
  return TextOf(LOAM_TRY(ProcessPart(input)));
}

Result<std::string> RuntimeSpecJson(const RuntimeSpecInput& input) {
  const ExecSpec& spec = *input.spec;
  const bool insecure = spec.security == SecurityMode::kInsecure;
  json process = LOAM_TRY(ProcessPart(input));

  json namespaces = json::array({{{"type", "pid"}}, {{"type", "ipc"}}, {{"type", "uts"}}, {{"type", "mount"}}});
  if (input.network == NetworkMode::kNone) {
    json network = {{"type", "network"}};
    if (!input.network_namespace.empty()) {
      network["path"] = input.network_namespace;
    }
    namespaces.push_back(std::move(network));
  }
  if (input.cgroup_v2) {
    namespaces.push_back({{"type", "cgroup"}});
  }
  json linux_part = {{"namespaces", std::move(namespaces)}};
  if (!insecure) {
    for (std::string_view path : kMaskedPaths) {
      linux_part["maskedPaths"].push_back(path);
    }
    for (std::string_view path : kReadonlyPaths) {
      linux_part["readonlyPaths"].push_back(path);
    }
  } else {
    linux_part["devices"] = InsecureDevices();
  }
  for (const cdi::DeviceNode& device : spec.edits.devices) {
    linux_part["devices"].push_back(DeviceJson(device));
  }
  if (!input.cgroup_path.empty()) {
    linux_part["cgroupsPath"] = input.cgroup_path;
    linux_part["resources"] = Resources(spec.resources, insecure, spec.edits.devices);
  }
  json config = {{"ociVersion", "1.0.2"},
                 {"root", {{"path", input.rootfs}, {"readonly", spec.readonly_root}}},
                 {"hostname", spec.hostname.empty() ? kDefaultHostname : spec.hostname},
                 {"mounts", Mounts(input, insecure)}};
  if (!insecure) {
    if (input.seccomp_program.empty()) {
      linux_part["seccomp"] = SeccompSpec();
    } else {
      // crun reads the program only when there is a profile; its own content is then not looked at.
      linux_part["seccomp"] = {{"defaultAction", "SCMP_ACT_ERRNO"}};
      config["annotations"]["run.oci.seccomp_bpf_data"] = Base64(input.seccomp_program);
    }
  }
  if (!spec.edits.hooks.empty()) {
    config["hooks"] = Hooks(spec.edits.hooks);
  }
  config["process"] = std::move(process);
  config["linux"] = std::move(linux_part);
  return TextOf(config);
}

}  // namespace loam::worker
