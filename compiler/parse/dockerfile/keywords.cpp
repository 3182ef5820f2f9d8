#include "compiler/parse/dockerfile/keywords.h"

#include "base/strings.h"

namespace loam::parse {

syntax::TokenKind KeywordKind(std::string_view word) {
  struct Keyword {
    std::string_view text;
    syntax::TokenKind kind;
  };
  static constexpr Keyword kKeywords[] = {
#define LOAM_INSTRUCTION(Name, KEYWORD) {KEYWORD, syntax::TokenKind::kKeyword##Name},
#include "compiler/syntax/instructions.def"
#undef LOAM_INSTRUCTION
  };
  for (const Keyword& keyword : kKeywords) {
    if (keyword.text.size() == word.size() && (keyword.text.front() | 0x20) == (word.front() | 0x20) &&
        EqualsIgnoreCase(keyword.text, word)) {
      return keyword.kind;
    }
  }
  return syntax::TokenKind::kKeywordUnknown;
}

}  // namespace loam::parse
