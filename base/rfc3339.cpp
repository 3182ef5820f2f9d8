#include "base/rfc3339.h"

#include <charconv>
#include <string>

#include <fmt/format.h>

namespace loam {
namespace {

bool TakeNumber(std::string_view& text, std::size_t digits, std::int64_t& number) {
  if (text.size() < digits) {
    return false;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
  if (error != std::errc() || end != text.data() + digits || number < 0) {
    return false;
  }
  text.remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

}  // namespace

Result<Instant> ParseRfc3339(std::string_view text) {
  const std::string whole(text);
  const auto bad = [&] { return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is not a time", whole)); };
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 0;
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;
  if (!TakeNumber(text, 4, year) || !TakeChar(text, "-") || !TakeNumber(text, 2, month) || !TakeChar(text, "-") ||
      !TakeNumber(text, 2, day) || !TakeChar(text, "Tt") || !TakeNumber(text, 2, hour) || !TakeChar(text, ":") ||
      !TakeNumber(text, 2, minute) || !TakeChar(text, ":") || !TakeNumber(text, 2, second)) {
    return bad();
  }
  Instant instant;
  if (TakeChar(text, ".")) {
    std::int64_t unit = 100'000'000;
    std::size_t digits = 0;
    for (std::int64_t digit = 0; !text.empty() && text.front() >= '0' && text.front() <= '9'; ++digits) {
      static_cast<void>(TakeNumber(text, 1, digit));
      instant.nanos += digit * unit;
      unit /= 10;
    }
    if (digits == 0) {
      return bad();
    }
  }
  std::int64_t offset = 0;
  if (!TakeChar(text, "Zz")) {
    const bool negative = text.starts_with('-');
    std::int64_t hours = 0;
    std::int64_t minutes = 0;
    if (!TakeChar(text, "+-") || !TakeNumber(text, 2, hours) || !TakeChar(text, ":") || !TakeNumber(text, 2, minutes)) {
      return bad();
    }
    offset = (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!text.empty() || !date.ok() || hour > 23 || minute > 59 || second > 59) {
    return bad();
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  instant.seconds = ((days * 24 + hour) * 60 + minute) * 60 + second - offset;
  return instant;
}

WallTime Instant::ToWallTime() const {
  return WallTime(std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanos));
}

}  // namespace loam
