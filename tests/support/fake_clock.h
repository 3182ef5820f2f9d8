// A clock that stands still until a test moves it.
#pragma once

#include "base/clock.h"

namespace loam {

class FakeClock final : public Clock {
 public:
  [[nodiscard]] WallTime Now() const override { return WallTime(passed_); }
  [[nodiscard]] SteadyTime Steady() const override { return SteadyTime(passed_); }
  void Advance(std::chrono::nanoseconds time) { passed_ += time; }

 private:
  std::chrono::nanoseconds passed_ = std::chrono::hours(24);
};

}  // namespace loam
