// What takes space under the state root, and how to get it back (`loam du`, `loam prune`).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace loam::engine {

struct DiskUsageEntry {
  enum class Kind : std::uint8_t { kCacheRecord, kLayer, kContent, kCacheMount, kImage };
  Kind kind = Kind::kCacheRecord;
  // Record or layer number, blob digest, cache mount id, image name.
  std::string id;
  // The step that made it: "RUN make".
  std::string description;
  std::int64_t size = 0;
  std::optional<WallTime> created;
  std::optional<WallTime> last_used;
  std::int64_t usage_count = 0;
  // By a running build, an image of the image store, or something else that keeps it.
  bool in_use = false;
};

struct PruneOptions {
  // Remove everything that is not in use; otherwise only what neither a cache record nor an image refers to.
  bool all = false;
  // Only what was not used for this long.
  std::optional<std::chrono::seconds> unused_for;
  // Remove, least recently used first, until no more than this many bytes remain.
  std::optional<std::int64_t> keep_bytes;
  // Cache mounts (RUN --mount=type=cache) too.
  bool cache_mounts = false;
};

struct PruneReport {
  std::vector<DiskUsageEntry> removed;
  std::int64_t reclaimed_bytes = 0;
};

}  // namespace loam::engine
