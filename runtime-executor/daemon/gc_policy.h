// How much the cache may hold: BuildKit's settings of garbage collection, from file and flags to rules in bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loam::daemon {

// Bytes, or a part of the disk.
struct DiskSpace {
  std::int64_t bytes = 0;
  std::int64_t percent = 0;

  [[nodiscard]] bool is_set() const { return bytes != 0 || percent != 0; }
  // A percentage is rounded up to whole gigabytes; of a disk of unknown size (0) it is 2 GB.
  [[nodiscard]] std::int64_t Bytes(std::int64_t disk_total) const;
  friend bool operator==(const DiskSpace&, const DiskSpace&) = default;
};

// "40MB" (units of 1024), "123", "20%".
Result<DiskSpace> ParseDiskSpace(std::string_view text);
// "48h", "1h30m", "90" (seconds).
Result<std::chrono::nanoseconds> ParseDuration(std::string_view text);

struct GcRuleSetting {
  bool all = false;
  std::vector<std::string> filters;
  std::chrono::nanoseconds keep_duration{0};
  DiskSpace reserved;
  DiskSpace max_used;
  DiskSpace min_free;
};

struct GcSettings {
  // False: nothing is collected unless a client prunes.
  bool enabled = true;
  DiskSpace reserved;
  DiskSpace max_used;
  DiskSpace min_free;
  // Empty: the default rules, with the limits above.
  std::vector<GcRuleSetting> policy;
};

// "Reserved[,Free[,Maximum]]" in MB, as --oci-worker-gc-keepstorage has it.
Result<> ParseKeepStorage(std::string_view text, GcSettings& settings);

// What a rule removes, least useful first, until its limits hold; 0 is no limit. Without limits: all that matches.
struct GcRule {
  bool all = false;
  std::vector<std::string> filters;
  std::chrono::nanoseconds keep_duration{0};
  std::int64_t reserved = 0;
  std::int64_t max_used = 0;
  std::int64_t min_free = 0;
};

// Empty if garbage collection is off.
std::vector<GcRule> ResolveGcPolicy(const GcSettings& settings, std::int64_t disk_total);

}  // namespace loam::daemon
