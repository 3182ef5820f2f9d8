// UTF-8 and Unicode white space, with the meaning Go's unicode packages give them (BuildKit's parsers rest on those).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace loam {

inline constexpr char32_t kReplacementRune = 0xFFFD;

struct Rune {
  char32_t value = kReplacementRune;
  // Bytes it takes; 1 for a byte that is not UTF-8, 0 at the end of the text.
  std::size_t size = 0;
};

// The rune at the start of `text`; {kReplacementRune, 1} for bytes that are not UTF-8 (overlong forms and surrogates
// included), {kReplacementRune, 0} for an empty text.
Rune DecodeRune(std::string_view text);
// The last rune of `text`, likewise.
Rune DecodeLastRune(std::string_view text);
void AppendRune(std::string& out, char32_t rune);

// The code points of `text`, as DecodeRune reads them.
std::u32string DecodeRunes(std::string_view text);
bool IsUtf8(std::string_view text);
// `text` with every byte that is not UTF-8 replaced by U+FFFD.
std::string ToUtf8(std::string_view text);

// Where the sequence that holds byte `at` of `text` starts; `at` may be its end.
std::size_t RuneStart(std::string_view text, std::size_t at);
// `text`, or as much of it as `max_bytes` hold without part of a rune, and "…".
std::string Shortened(std::string_view text, std::size_t max_bytes);

// unicode.IsSpace.
bool IsUnicodeSpace(char32_t rune);
// strings.TrimSpace and its halves.
std::string_view TrimUnicodeSpaceLeft(std::string_view text);
std::string_view TrimUnicodeSpaceRight(std::string_view text);
std::string_view TrimUnicodeSpace(std::string_view text);

}  // namespace loam
