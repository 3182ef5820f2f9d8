// Times as texts: RFC 3339, as images, caches and attestations have them. FormatRfc3339 is in base/clock.h.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace loam {

// Seconds since 1970 and nanoseconds: years 0 to 9999 do not fit into 64 bits of nanoseconds.
struct Instant {
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  friend auto operator<=>(const Instant&, const Instant&) = default;

  // Only for times between 1678 and 2262.
  [[nodiscard]] WallTime ToWallTime() const;
};

// kInvalidArgument for what is no time.
Result<Instant> ParseRfc3339(std::string_view text);

}  // namespace loam
