#include "base/go_quote.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/utf8.h"

namespace loam {
namespace {

struct RuneRange {
  char32_t first;
  char32_t last;
};

constexpr auto kNotPrintable = std::to_array<RuneRange>({
    {0x7F, 0xA0},
    {0xAD, 0xAD},
    {0x600, 0x605},
    {0x61C, 0x61C},
    {0x6DD, 0x6DD},
    {0x70F, 0x70F},
    {0x1680, 0x1680},
    {0x180E, 0x180E},
    {0x2000, 0x200F},
    {0x2028, 0x202F},
    {0x205F, 0x206F},
    {0x3000, 0x3000},
    {0xD800, 0xF8FF},
    {0xFEFF, 0xFEFF},
    {0xFFF0, 0xFFFB},
    {0xFFFE, 0xFFFF},
    {0xE0000, 0xE00FF},
    {0xE01F0, 0x10FFFF},
});

constexpr std::string_view kHex = "0123456789abcdef";

void AppendEscaped(std::string& out, char32_t rune) {
  constexpr std::string_view kNamed = "\a\b\f\n\r\t\v";
  constexpr std::string_view kNames = "abfnrtv";
  if (const std::size_t at = rune < 0x80 ? kNamed.find(static_cast<char>(rune)) : std::string_view::npos;
      at != std::string_view::npos) {
    out += '\\';
    out += kNames[at];
  } else if (rune < ' ' || rune == 0x7F) {
    out += fmt::format("\\x{:02x}", static_cast<unsigned>(rune));
  } else if (rune < 0x10000) {
    out += fmt::format("\\u{:04x}", static_cast<unsigned>(rune));
  } else {
    out += fmt::format("\\U{:08x}", static_cast<unsigned>(rune));
  }
}

}  // namespace

bool IsGoPrint(char32_t rune) {
  const auto after = std::upper_bound(kNotPrintable.begin(), kNotPrintable.end(), rune,
                                      [](char32_t value, const RuneRange& range) { return value < range.first; });
  return rune >= 0x20 && (after == kNotPrintable.begin() || rune > std::prev(after)->last);
}

void AppendGoQuoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t pos = 0; pos < text.size();) {
    const Rune rune = DecodeRune(text.substr(pos));
    const auto byte = static_cast<unsigned char>(text[pos]);
    if (rune.size == 1 && byte >= 0x80) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else if (rune.value == '"' || rune.value == '\\') {
      out += '\\';
      out += static_cast<char>(byte);
    } else if (IsGoPrint(rune.value)) {
      out += text.substr(pos, rune.size);
    } else {
      AppendEscaped(out, rune.value);
    }
    pos += rune.size;
  }
  out += '"';
}

std::string GoQuoted(std::string_view text) {
  std::string out;
  AppendGoQuoted(out, text);
  return out;
}

}  // namespace loam
