#include "compiler/parse/earthfile/keywords.h"

#include <array>

namespace loam::parse::earthfile {

namespace {

using syntax::earthfile::TokenKind;

constexpr auto kKeywords = std::to_array<Keyword>({
    {"VERSION", TokenKind::kKeywordVersion},
#define LOAM_EARTH_COMMAND(Name, KEYWORD) {KEYWORD, TokenKind::kKeyword##Name},
#include "compiler/syntax/earth_commands.def"
#undef LOAM_EARTH_COMMAND
    {"WITH", TokenKind::kKeywordWith},
    {"DOCKER", TokenKind::kKeywordDocker},
    {"IF", TokenKind::kKeywordIf},
    {"ELSE IF", TokenKind::kKeywordElseIf},
    {"ELSE", TokenKind::kKeywordElse},
    {"TRY", TokenKind::kKeywordTry},
    {"CATCH", TokenKind::kKeywordCatch},
    {"FINALLY", TokenKind::kKeywordFinally},
    {"FOR", TokenKind::kKeywordFor},
    {"WAIT", TokenKind::kKeywordWait},
    {"END", TokenKind::kKeywordEnd},
});

bool IsIn(TokenKind kind, KeywordPlace place) {
  switch (kind) {
    case TokenKind::kKeywordVersion:
    case TokenKind::kKeywordProject:
      return place == KeywordPlace::kBase;
    case TokenKind::kKeywordElseIf:
    case TokenKind::kKeywordElse:
    case TokenKind::kKeywordCatch:
    case TokenKind::kKeywordFinally:
    case TokenKind::kKeywordEnd:
      return place == KeywordPlace::kBlock;
    default:
      return true;
  }
}

constexpr bool IsUpper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

Keyword MatchKeyword(std::string_view text, KeywordPlace place) {
  Keyword longest;
  if (text.empty() || !IsUpper(text.front())) {
    return longest;
  }
  for (const Keyword& keyword : kKeywords) {
    if (keyword.text.front() == text.front() && keyword.text.size() > longest.text.size() &&
        text.starts_with(keyword.text) && IsIn(keyword.kind, place)) {
      longest = keyword;
    }
  }
  return longest;
}

std::size_t MatchHeader(std::string_view text) {
  if (text.empty() || (!IsUpper(text.front()) && !IsLower(text.front()))) {
    return 0;
  }
  const bool is_target = IsLower(text.front());
  std::size_t size = 1;
  while (size < text.size()) {
    const char c = text[size];
    const bool fits = IsUpper(c) || IsDigit(c) || c == '.' || (is_target ? IsLower(c) || c == '-' : c == '_');
    if (!fits) {
      break;
    }
    ++size;
  }
  return size < text.size() && text[size] == ':' ? size + 1 : 0;
}

std::vector<std::string> LineKeywords() {
  std::vector<std::string> out;
  out.reserve(kKeywords.size());
  for (const Keyword& keyword : kKeywords) {
    if (keyword.kind != TokenKind::kKeywordDocker) {
      out.emplace_back(keyword.text);
    }
  }
  return out;
}

}  // namespace loam::parse::earthfile
