#include "compiler/parse/dockerfile/words.h"

#include "base/utf8.h"

namespace loam::parse {

namespace {

std::uint32_t Offset(std::size_t i) {
  return static_cast<std::uint32_t>(i);
}

// Flags are read byte by byte, so that 0x85 and 0xA0 are white space, as in Latin-1.
bool IsFlagSpace(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == ' ' || (byte >= '\t' && byte <= '\r') || byte == 0x85 || byte == 0xA0;
}

}  // namespace

void SplitBlanks(std::string_view text, std::vector<Word>& words) {
  words.clear();
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t begin = i;
    while (i < text.size() && !IsBlank(text[i])) {
      ++i;
    }
    words.push_back({Offset(begin), Offset(i)});
    while (i < text.size() && IsBlank(text[i])) {
      ++i;
    }
  }
}

void SplitQuoted(std::string_view text, char escape, std::vector<Word>& words) {
  words.clear();
  std::size_t i = 0;
  while (i < text.size()) {
    Rune rune = DecodeRune(text.substr(i));
    if (IsUnicodeSpace(rune.value)) {
      i += rune.size;
      continue;
    }
    const std::size_t begin = i;
    std::size_t end = i;
    char quote = '\0';
    while (i < text.size()) {
      const char c = text[i];
      if (quote == '\0') {
        rune = DecodeRune(text.substr(i));
        if (IsUnicodeSpace(rune.value)) {
          break;
        }
        if (c == '\'' || c == '"') {
          quote = c;
        }
      } else if (c == quote) {
        quote = '\0';
      }
      if (c == escape && quote != '\'') {
        ++i;
        if (i == text.size()) {
          break;  // not part of the word
        }
      }
      i += DecodeRune(text.substr(i)).size;
      end = i;
    }
    if (end > begin) {
      words.push_back({Offset(begin), Offset(end)});
    }
  }
}

std::uint32_t SplitFlags(std::string_view text, char escape, std::vector<FlagWord>& flags) {
  flags.clear();
  std::size_t i = 0;
  std::string cooked;
  while (true) {
    while (i < text.size() && IsFlagSpace(text[i])) {
      ++i;
    }
    if (i + 1 >= text.size() || text[i] != '-' || text[i + 1] != '-') {
      return Offset(i);
    }
    const std::size_t begin = i;
    bool plain = true;
    bool has_quotes = false;
    char quote = '\0';
    cooked.clear();
    for (; i < text.size(); ++i) {
      const char c = text[i];
      if (quote == '\0') {
        if (IsFlagSpace(c)) {
          break;
        }
        if (c == '\'' || c == '"') {
          quote = c;
          has_quotes = true;
          plain = false;
          continue;
        }
      } else if (c == quote) {
        quote = '\0';
        continue;
      }
      if (c == escape) {
        plain = false;
        if (i + 1 == text.size()) {
          continue;
        }
        ++i;
      }
      const auto byte = static_cast<unsigned char>(text[i]);
      plain = plain && byte < 0x80;
      AppendRune(cooked, byte);
    }
    if (cooked == "--") {
      if (i < text.size()) {
        return Offset(i);
      }
      continue;  // at the end it is dropped
    }
    if (has_quotes || !cooked.empty()) {
      FlagWord& flag = flags.emplace_back(FlagWord{Offset(begin), Offset(i), std::nullopt});
      if (!plain) {
        flag.value = cooked;
      }
    }
  }
}

}  // namespace loam::parse
