#include "compiler/sema/dockerfile/go_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "base/go_bool.h"
#include "base/go_quote.h"

namespace loam::sema {
namespace {

struct RuneRange {
  char32_t first;
  char32_t last;
};

bool InRanges(std::span<const RuneRange> ranges, char32_t rune) {
  const auto it = std::upper_bound(ranges.begin(), ranges.end(), rune,
                                   [](char32_t value, const RuneRange& range) { return value < range.first; });
  return it != ranges.begin() && rune <= std::prev(it)->last;
}

// Code points from 0x80 on that are no letters: punctuation, symbols, marks, spaces, controls, private use. By block,
// so single unassigned code points inside a block of letters count as letters.
constexpr auto kNoLetters = std::to_array<RuneRange>({
    {0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},       {0xBB, 0xBF},       {0xD7, 0xD7},        {0xF7, 0xF7},
    {0x2C2, 0x2C5},   {0x2D2, 0x2DF},   {0x2E5, 0x2EB},     {0x2EF, 0x36F},     {0x375, 0x375},      {0x37E, 0x37E},
    {0x384, 0x385},   {0x387, 0x387},   {0x482, 0x489},     {0x55A, 0x55F},     {0x589, 0x5CF},      {0x5F3, 0x61F},
    {0x64B, 0x66D},   {0x6D4, 0x6D4},   {0x6D6, 0x6E4},     {0x2000, 0x2070},   {0x2072, 0x207E},    {0x2080, 0x208F},
    {0x20A0, 0x2101}, {0x2103, 0x2106}, {0x2190, 0x2BFF},   {0x2E00, 0x2E7F},   {0x2FF0, 0x3004},    {0x3007, 0x3030},
    {0x3036, 0x303A}, {0x303D, 0x3040}, {0x3099, 0x309C},   {0x30A0, 0x30A0},   {0x30FB, 0x30FB},    {0x3200, 0x33FF},
    {0x4DC0, 0x4DFF}, {0xA490, 0xA4CF}, {0xD800, 0xF8FF},   {0xFE00, 0xFE6F},   {0xFEFF, 0xFF20},    {0xFF3B, 0xFF40},
    {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF}, {0x1D000, 0x1D3FF}, {0x1F000, 0x1FAFF}, {0xE0000, 0x10FFFF},
});

}  // namespace

std::string JoinPath(std::string_view a, std::string_view b) {
  if (a.empty()) {
    return b.empty() ? std::string() : CleanPath(b);
  }
  if (b.empty()) {
    return CleanPath(a);
  }
  std::string joined;
  joined.reserve(a.size() + b.size() + 1);
  joined.append(a).append("/").append(b);
  return CleanPath(joined);
}

std::string_view BasePath(std::string_view path) {
  if (path.empty()) {
    return ".";
  }
  while (path.size() > 1 && path.back() == '/') {
    path.remove_suffix(1);
  }
  if (path == "/") {
    return path;
  }
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool IsLetterRune(char32_t rune) {
  if (rune < 0x80) {
    return (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z');
  }
  return !InRanges(kNoLetters, rune);
}

std::string QuotedList(std::span<const std::string_view> items) {
  std::string out = "[";
  for (const std::string_view item : items) {
    if (out.size() > 1) {
      out += ' ';
    }
    AppendGoQuoted(out, item);
  }
  return out += ']';
}

std::string PlainList(std::span<const std::string_view> items) {
  std::string out = "[";
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) {
      out += ' ';
    }
    out += items[i];
  }
  return out += ']';
}

std::string FormatDuration(std::int64_t nanoseconds) {
  if (nanoseconds == 0) {
    return "0s";
  }
  const bool negative = nanoseconds < 0;
  std::uint64_t rest = negative ? 0 - static_cast<std::uint64_t>(nanoseconds) : static_cast<std::uint64_t>(nanoseconds);
  // `value` in units of 10^-digits, trailing zeros of the fraction dropped.
  const auto fraction = [](std::uint64_t value, int digits) {
    std::uint64_t scale = 1;
    for (int i = 0; i < digits; ++i) {
      scale *= 10;
    }
    std::string text = std::to_string(value / scale);
    if (value % scale != 0) {
      std::string tail = fmt::format("{:0{}}", value % scale, digits);
      tail.resize(tail.find_last_not_of('0') + 1);
      text += "." + tail;
    }
    return text;
  };
  std::string out = negative ? "-" : "";
  if (rest < 1000) {
    return out + std::to_string(rest) + "ns";
  }
  if (rest < 1000000) {
    return out + fraction(rest, 3) + "\u00b5s";
  }
  if (rest < 1000000000) {
    return out + fraction(rest, 6) + "ms";
  }
  constexpr std::uint64_t kMinute = 60ULL * 1000000000ULL;
  const std::uint64_t minutes = rest / kMinute;
  rest %= kMinute;
  if (minutes >= 60) {
    out += std::to_string(minutes / 60) + "h";
  }
  if (minutes > 0) {
    out += std::to_string(minutes % 60) + "m";
  }
  return out + fraction(rest, 9) + "s";
}

std::optional<bool> ParseBool(std::string_view text) {
  return ParseGoBool(text);
}

std::optional<std::uint64_t> ParseUint(std::string_view text, int base, int bits) {
  std::uint64_t value = 0;
  if (text.empty() || text.front() == '-' || text.front() == '+') {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || (bits < 64 && (value >> bits) != 0)) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> ParseInt(std::string_view text, int base, int bits) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) {
    text.remove_prefix(1);
  }
  const auto magnitude = ParseUint(text, base, 64);
  if (!magnitude) {
    return std::nullopt;
  }
  const std::uint64_t limit = std::uint64_t{1} << (bits - 1);
  if (negative ? *magnitude > limit : *magnitude >= limit) {
    return std::nullopt;
  }
  return negative ? static_cast<std::int64_t>(0 - *magnitude) : static_cast<std::int64_t>(*magnitude);
}

}  // namespace loam::sema
