#include "compiler/ast/dockerfile/go_values.h"

#include <algorithm>
#include <limits>

#include "base/go_bool.h"

namespace loam::ast {

namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

struct Unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr Unit kUnits[] = {{"ns", 1},
                           {"us", 1'000},
                           {"\xC2\xB5s", 1'000},  // U+00B5, micro sign
                           {"\xCE\xBCs", 1'000},  // U+03BC, Greek letter mu
                           {"ms", 1'000'000},
                           {"s", kSecond},
                           {"m", 60 * kSecond},
                           {"h", 3600 * kSecond}};

std::optional<std::uint64_t> UnitOf(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) {
      return unit.nanoseconds;
    }
  }
  return std::nullopt;
}

constexpr std::uint64_t kLimit = std::uint64_t{1} << 63U;

}  // namespace

std::optional<std::int64_t> ParseDuration(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text == "0") {
    return 0;
  }
  if (text.empty()) {
    return std::nullopt;
  }
  std::uint64_t total = 0;
  while (!text.empty()) {
    std::uint64_t whole = 0;
    std::size_t i = 0;
    for (; i < text.size() && IsDigit(text[i]); ++i) {
      if (whole > kLimit / 10) {
        return std::nullopt;
      }
      whole = whole * 10 + static_cast<std::uint64_t>(text[i] - '0');
      if (whole > kLimit) {
        return std::nullopt;
      }
    }
    bool has_digits = i > 0;
    text.remove_prefix(i);
    std::uint64_t fraction = 0;
    double scale = 1;
    if (!text.empty() && text.front() == '.') {
      text.remove_prefix(1);
      bool full = false;
      for (i = 0; i < text.size() && IsDigit(text[i]); ++i) {
        // Digits past what 63 bits hold are dropped.
        const std::uint64_t next = full || fraction > (kLimit - 1) / 10
                                       ? kLimit + 1
                                       : fraction * 10 + static_cast<std::uint64_t>(text[i] - '0');
        full = full || next > kLimit;
        if (!full) {
          fraction = next;
          scale *= 10;
        }
      }
      has_digits = has_digits || i > 0;
      text.remove_prefix(i);
    }
    if (!has_digits) {
      return std::nullopt;
    }
    for (i = 0; i < text.size() && text[i] != '.' && !IsDigit(text[i]); ++i) {
    }
    const std::optional<std::uint64_t> unit = UnitOf(text.substr(0, i));
    if (!unit || whole > kLimit / *unit) {
      return std::nullopt;
    }
    text.remove_prefix(i);
    std::uint64_t value = whole * *unit;
    if (fraction > 0) {
      value += static_cast<std::uint64_t>(static_cast<double>(fraction) * (static_cast<double>(*unit) / scale));
      if (value > kLimit) {
        return std::nullopt;
      }
    }
    total += value;
    if (total > kLimit) {
      return std::nullopt;
    }
  }
  if (negative) {
    return total == kLimit ? std::numeric_limits<std::int64_t>::min() : -static_cast<std::int64_t>(total);
  }
  if (total == kLimit) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(total);
}

std::optional<std::int32_t> ParseInt32(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  for (const char c : text) {
    if (!IsDigit(c)) {
      return std::nullopt;
    }
    value = value * 10 + (c - '0');
    if (value > std::int64_t{1} << 31U) {
      return std::nullopt;
    }
  }
  value = negative ? -value : value;
  if (value > std::numeric_limits<std::int32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<std::int32_t>(value);
}

std::optional<bool> ParseBool(std::string_view text) {
  return ParseGoBool(text);
}

std::optional<std::vector<CsvPart>> SplitCsv(std::string_view text, std::string_view* error) {
  if (text.empty()) {
    *error = "it is empty";
    return std::nullopt;
  }
  std::vector<CsvPart> parts;
  std::size_t i = 0;
  while (true) {
    const std::size_t begin = i;
    if (i < text.size() && text[i] == '"') {
      std::string value;
      for (++i;; ++i) {
        const std::size_t quote = text.find('"', i);
        if (quote == std::string_view::npos) {
          *error = "a double quote is not closed";
          return std::nullopt;
        }
        value += text.substr(i, quote - i);
        i = quote + 1;
        if (i >= text.size() || text[i] != '"') {
          break;
        }
        value.push_back('"');
      }
      if (i < text.size() && text[i] != ',') {
        *error = "a quoted option is followed by something else than a comma";
        return std::nullopt;
      }
      parts.push_back({text.substr(begin, i - begin), std::move(value)});
    } else {
      i = std::min(text.find(',', i), text.size());
      parts.push_back({text.substr(begin, i - begin), std::nullopt});
      if (parts.back().raw.find('"') != std::string_view::npos) {
        *error = "a double quote stands inside an option";
        return std::nullopt;
      }
    }
    if (i == text.size()) {
      return parts;
    }
    ++i;  // the comma; a field follows, also at the end
  }
}

}  // namespace loam::ast
