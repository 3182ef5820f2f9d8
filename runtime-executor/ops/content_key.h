// Content keys of inputs: the checksums of the paths that an operation reads, joined as BuildKit joins them
// (solver/llbsolver/ops/opsutils).
#pragma once

#include <string>
#include <vector>

#include "runtime-executor/cache/checksum.h"
#include "runtime-executor/solver/cache_map.h"

namespace loam::ops {

struct PathSelector {
  std::string path;
  cache::ChecksumOptions options;

  [[nodiscard]] bool has_wildcard_or_filters() const {
    return options.wildcard || !options.include_patterns.empty() || !options.exclude_patterns.empty();
  }
};

// No selectors: the whole tree. `checksums` outlives the function.
solver::ContentKeyFunction NewContentKey(cache::ChecksumCache* checksums, std::vector<PathSelector> selectors);

// Without doubles and without paths below another of the list; sorted. One path or none is returned as it is.
std::vector<std::string> DedupePaths(const std::vector<std::string>& paths);

}  // namespace loam::ops
