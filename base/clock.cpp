#include "base/clock.h"

#include <ctime>

#include <fmt/format.h>

namespace loam {

namespace {

class RealClock final : public Clock {
 public:
  [[nodiscard]] WallTime Now() const override {
    return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  }
  [[nodiscard]] SteadyTime Steady() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock clock;
  return clock;
}

std::string FormatRfc3339(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t raw = static_cast<std::time_t>(seconds.time_since_epoch().count());
  std::tm parts{};
  ::gmtime_r(&raw, &parts);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                                 parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  const auto nanos = (time - seconds).count();
  if (nanos != 0) {
    std::string fraction = fmt::format(".{:09}", nanos);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    text += fraction;
  }
  text += 'Z';
  return text;
}

}  // namespace loam
