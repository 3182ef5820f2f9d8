#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace loam {

namespace {

unsigned Byte(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

bool IsContinuation(std::string_view text, std::size_t i) {
  return i < text.size() && (Byte(text, i) & 0xC0U) == 0x80U;
}

bool IsAsciiSpace(unsigned c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

}  // namespace

Rune DecodeRune(std::string_view text) {
  if (text.empty()) {
    return {};
  }
  const unsigned first = Byte(text, 0);
  if (first < 0x80) {
    return {first, 1};
  }
  const Rune invalid{kReplacementRune, 1};
  if (first < 0xC2 || first > 0xF4 || !IsContinuation(text, 1)) {
    return invalid;
  }
  const unsigned second = Byte(text, 1) & 0x3FU;
  if (first < 0xE0) {
    return {(first & 0x1FU) << 6U | second, 2};
  }
  if (!IsContinuation(text, 2)) {
    return invalid;
  }
  const unsigned third = Byte(text, 2) & 0x3FU;
  if (first < 0xF0) {
    const char32_t value = (first & 0x0FU) << 12U | second << 6U | third;
    const bool valid = value >= 0x800 && (value < 0xD800 || value > 0xDFFF);
    return valid ? Rune{value, 3} : invalid;
  }
  if (!IsContinuation(text, 3)) {
    return invalid;
  }
  const char32_t value = (first & 0x07U) << 18U | second << 12U | third << 6U | (Byte(text, 3) & 0x3FU);
  return value >= 0x10000 && value <= 0x10FFFF ? Rune{value, 4} : invalid;
}

Rune DecodeLastRune(std::string_view text) {
  for (std::size_t size = 2; size <= 4 && size <= text.size(); ++size) {
    const Rune rune = DecodeRune(text.substr(text.size() - size));
    if (rune.size == size) {
      return rune;
    }
  }
  return text.empty() ? Rune{} : DecodeRune(text.substr(text.size() - 1));
}

void AppendRune(std::string& out, char32_t rune) {
  if (rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF)) {
    rune = kReplacementRune;
  }
  if (rune < 0x80) {
    out.push_back(static_cast<char>(rune));
  } else if (rune < 0x800) {
    out.push_back(static_cast<char>(0xC0U | rune >> 6U));
    out.push_back(static_cast<char>(0x80U | (rune & 0x3FU)));
  } else if (rune < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | rune >> 12U));
    out.push_back(static_cast<char>(0x80U | (rune >> 6U & 0x3FU)));
    out.push_back(static_cast<char>(0x80U | (rune & 0x3FU)));
  } else {
    out.push_back(static_cast<char>(0xF0U | rune >> 18U));
    out.push_back(static_cast<char>(0x80U | (rune >> 12U & 0x3FU)));
    out.push_back(static_cast<char>(0x80U | (rune >> 6U & 0x3FU)));
    out.push_back(static_cast<char>(0x80U | (rune & 0x3FU)));
  }
}

std::u32string DecodeRunes(std::string_view text) {
  std::u32string runes;
  runes.reserve(text.size());
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    runes += rune.value;
    text.remove_prefix(rune.size);
  }
  return runes;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    // Eight ASCII bytes at a time.
    std::uint64_t word = 0;
    while (text.size() >= sizeof(word)) {
      std::memcpy(&word, text.data(), sizeof(word));
      if ((word & 0x8080808080808080U) != 0) {
        break;
      }
      text.remove_prefix(sizeof(word));
    }
    const Rune rune = DecodeRune(text);
    if (rune.value == kReplacementRune && rune.size == 1) {
      return false;
    }
    text.remove_prefix(rune.size);
  }
  return true;
}

std::string ToUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    AppendRune(out, rune.value);
    text.remove_prefix(rune.size);
  }
  return out;
}

std::size_t RuneStart(std::string_view text, std::size_t at) {
  while (at > 0 && IsContinuation(text, at)) {
    --at;
  }
  return at;
}

std::string Shortened(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) {
    return std::string(text);
  }
  return std::string(text.substr(0, RuneStart(text, max_bytes))) + "…";
}

bool IsUnicodeSpace(char32_t rune) {
  if (rune < 0x80) {
    return IsAsciiSpace(rune);
  }
  return rune == 0x85 || rune == 0xA0 || rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200A) || rune == 0x2028 ||
         rune == 0x2029 || rune == 0x202F || rune == 0x205F || rune == 0x3000;
}

std::string_view TrimUnicodeSpaceLeft(std::string_view text) {
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    if (!IsUnicodeSpace(rune.value)) {
      break;
    }
    text.remove_prefix(rune.size);
  }
  return text;
}

std::string_view TrimUnicodeSpaceRight(std::string_view text) {
  while (!text.empty()) {
    const Rune rune = DecodeLastRune(text);
    if (!IsUnicodeSpace(rune.value)) {
      break;
    }
    text.remove_suffix(rune.size);
  }
  return text;
}

std::string_view TrimUnicodeSpace(std::string_view text) {
  return TrimUnicodeSpaceRight(TrimUnicodeSpaceLeft(text));
}

}  // namespace loam
