// The caches that a client of the daemon asks for with its build.
#pragma once

#include <vector>

#include "base/result.h"
#include "runtime-executor/engine/engine.h"

namespace moby::buildkit::v1 {
class SolveRequest;
}

namespace loam::daemon {

struct SolveCaches {
  std::vector<engine::CacheEntry> imports;
  std::vector<engine::CacheEntry> exports;  // without "inline"
  bool inline_cache = false;
};

// Of the request itself, also in its older form, and `cache-from` among the frontend's options. Each one once.
// kInvalidArgument for an export without a type.
Result<SolveCaches> ReadSolveCaches(const moby::buildkit::v1::SolveRequest& request);

}  // namespace loam::daemon
