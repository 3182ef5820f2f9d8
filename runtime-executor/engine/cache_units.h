// The cache as clients of the daemon see and prune it: units that come and go as a whole, with what they stand on.
// (`loam du` shows the parts behind them, disk_usage.h.)
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace loam::engine {

struct CacheUnit {
  std::string id;
  // BuildKit's record types: "regular", "source.local", "source.git.checkout", "exec.cachemount", "internal",
  // "frontend".
  std::string type;
  std::string description;
  std::int64_t size = 0;
  WallTime created;
  std::optional<WallTime> last_used;
  std::int64_t usage_count = 0;
  // By a build that runs.
  bool in_use = false;
  // Changes in place (cache mounts, contexts).
  bool is_mutable = false;
  // Its bytes also belong to an image of the image store.
  bool shared = false;
  // Ids of what it stands on; these stay as long as it does.
  std::vector<std::string> parents;
};

// What to remove. Limits in bytes, 0 is none; without limits everything that matches goes.
struct PruneRule {
  // Null: everything.
  std::function<bool(const CacheUnit&)> matches;
  // Also what is internal, of frontends, or shared.
  bool all = false;
  // Spares what was used within it.
  std::chrono::nanoseconds keep_duration{0};
  // Never goes below `reserved`; removes until no more than `max_used` is used and `min_free` of the disk is free.
  std::int64_t reserved = 0;
  std::int64_t max_used = 0;
  std::int64_t min_free = 0;
};

// Bytes that may stay; 0: no limit. `total` is what there is, `disk_free` what the disk has left.
std::int64_t BytesToKeep(const PruneRule& rule, std::int64_t total, std::int64_t disk_free);

// Bytes on disk below a directory; 0 if it is not there.
Result<std::int64_t> TreeBytes(const std::string& path);

// More units, of whoever embeds the engine (contexts that clients sent). Thread-safe.
class CacheArea {
 public:
  virtual ~CacheArea() = default;
  virtual Result<std::vector<CacheUnit>> List() = 0;
  // False if it is in use or not there any more.
  virtual Result<bool> Remove(const std::string& id) = 0;
};

}  // namespace loam::engine
