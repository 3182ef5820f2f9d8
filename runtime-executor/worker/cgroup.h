// The control groups of steps. Under cgroups v1 (also in hybrid mode) Loam makes them itself, in the few hierarchies
// that matter (devices, memory, and cpu or cpuset when limited): it costs a fraction of what the runtime needs for all
// of them. Under v2 the runtime makes the cgroup, because devices need a BPF program there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime-executor/worker/worker.h"

namespace loam::worker {

enum class CgroupVersion : std::uint8_t {
  // No cgroup hierarchy is mounted: steps run without limits, asking for one is an error.
  kNone,
  kV1,
  kV2,
};

struct CgroupHost {
  // "/sys/fs/cgroup", elsewhere in tests.
  std::string mount = "/sys/fs/cgroup";
  CgroupVersion version = CgroupVersion::kNone;
  // v1: names of the controllers, as directories below `mount`.
  std::vector<std::string> controllers;
  // v1 with an additional v2 hierarchy at `mount`/unified.
  bool hybrid = false;
};
CgroupHost DetectCgroups(const std::string& mount = "/sys/fs/cgroup");

struct CgroupUse {
  bool oom_killed = false;
  std::int64_t peak_memory_bytes = 0;
};

// The cgroups of one step; removed by the destructor, when everything in them has ended.
class StepCgroup {
 public:
  // `path` is relative to the hierarchies' roots. With `runtime_manages` nothing is made but the parent that is read
  // for CgroupUse (v2).
  // `devices`: rules ("c 10:200 rwm") beside those of the ordinary devices.
  static Result<StepCgroup> Create(const CgroupHost& host, const std::string& path, const ResourceLimits& limits,
                                   bool all_devices, const std::vector<std::string>& devices, bool runtime_manages);
  StepCgroup(StepCgroup&&) noexcept = default;
  StepCgroup& operator=(StepCgroup&&) = delete;
  ~StepCgroup();

  // Open cgroup.procs files that the supervisor enters. Empty if the runtime manages the cgroup.
  [[nodiscard]] const std::vector<UniqueFd>& procs() const { return procs_; }
  [[nodiscard]] CgroupUse Read() const;

 private:
  StepCgroup() = default;
  std::vector<std::string> directories_;  // removed in reverse order
  std::vector<UniqueFd> procs_;
  std::string memory_v1_;
  std::string parent_v2_;
};

// Name of a step's cgroup: it says which process owns it, so that leftovers can be told from those of living ones.
std::string StepCgroupName(std::uint64_t number);
// Removes the cgroups below `parent` whose owner is gone.
void RemoveStaleCgroups(const CgroupHost& host, const std::string& parent);

}  // namespace loam::worker
