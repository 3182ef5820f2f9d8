// What a step is mounted, before it is put in LLB's order.
#pragma once

#include <string>
#include <vector>

#include "compiler/sema/dockerfile/run_mounts.h"

namespace loam::sema::earthfile {

struct StepMounts {
  RunMounts mounts;
  // Variables that secrets set: they win over others of the name.
  std::vector<std::string> secret_names;
};

// 2020-04-16T12:00:00Z: the time of all files that are copied without --keep-ts.
inline constexpr std::int64_t kCopyTime = 1587038400LL * 1'000'000'000;

// The name of the local source that stands for a directory of the invoker's machine; the rest is its path, absolute or
// relative to the invocation directory.
inline constexpr std::string_view kLocalSourcePrefix = "earthfile:";

}  // namespace loam::sema::earthfile
