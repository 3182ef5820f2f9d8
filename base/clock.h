// Clock: wall and steady time behind an interface, so that tests own the time (tests/support/fake_clock.h).
#pragma once

#include <chrono>
#include <string>

namespace loam {

using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime Now() const = 0;
  [[nodiscard]] virtual SteadyTime Steady() const = 0;
};

// The machine's clock. Thread-safe; lives for the whole process.
const Clock& SystemClock();

// RFC 3339 in UTC with as many fractional digits as needed ("2026-01-02T03:04:05.6Z"), as Go's time.RFC3339Nano prints.
std::string FormatRfc3339(WallTime time);

}  // namespace loam
