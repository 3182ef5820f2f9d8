// How BuildKit cuts the logical line of an instruction into flags and words. Offsets are into the text given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loam::parse {

struct Word {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// Space, tab, vertical tab, form feed, carriage return: what separates a keyword and plain words.
constexpr bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

// Parts between blanks; `text` has none at its ends.
void SplitBlanks(std::string_view text, std::vector<Word>& words);

// Words of ENV, LABEL and ARG: separated by Unicode white space outside quotes and escapes. An escape character that
// ends the text belongs to no word.
void SplitQuoted(std::string_view text, char escape, std::vector<Word>& words);

struct FlagWord {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  // Set where the meaning differs from the bytes: quotes and escapes removed, bytes above 0x7F read as Latin-1.
  std::optional<std::string> value;
};

// The flags at the start of `text`; returns where the arguments begin. A bare `--` ends the flags and is none.
std::uint32_t SplitFlags(std::string_view text, char escape, std::vector<FlagWord>& flags);

}  // namespace loam::parse
