// The OCI runtime spec (config.json) of a step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/worker/user_lookup.h"
#include "runtime-executor/worker/worker.h"

namespace loam::worker {

inline constexpr const char* kDefaultHostname = "buildkitsandbox";

// A mount of ExecSpec with the path where the supervisor has put its source.
struct BundleMount {
  std::string dest;
  // Empty: a tmpfs.
  std::string source;
  bool readonly = false;
  std::int64_t tmpfs_size = 0;
  std::vector<std::string> options;
};

struct RuntimeSpecInput {
  const ExecSpec* spec = nullptr;
  UserIds user;
  std::vector<BundleMount> mounts;
  // Absolute paths as the runtime sees them.
  std::string rootfs;
  std::string hosts_file;
  std::string resolv_conf;
  // kHost or kNone.
  NetworkMode network = NetworkMode::kHost;
  // With kNone: the namespace to join, as a file; empty: a new one.
  std::string network_namespace;
  // Empty: no cgroup in the spec, and no limits.
  std::string cgroup_path;
  bool cgroup_v2 = false;
  // The container sees its cgroups.
  bool cgroup_mount = false;
  // The process gets a terminal, which the runtime joins to its own standard streams.
  bool terminal = false;
  // Compiled seccomp program; empty: the profile itself goes into the spec.
  std::string seccomp_program;
};

// kInvalidArgument for an ulimit or a capability set that cannot be.
Result<std::string> RuntimeSpecJson(const RuntimeSpecInput& input);
// The process alone, as `exec --process` takes it.
Result<std::string> ProcessSpecJson(const RuntimeSpecInput& input);

}  // namespace loam::worker
