// The words a line of an Earthfile may start with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/syntax/earth_tree.h"

namespace loam::parse::earthfile {

// Where keywords are looked for.
enum class KeywordPlace : std::uint8_t { kBase, kRecipe, kBlock };

struct Keyword {
  std::string_view text;
  syntax::earthfile::TokenKind kind{};
};

// The longest keyword of the place that `text` starts with; nothing needs to follow it. Empty if there is none.
Keyword MatchKeyword(std::string_view text, KeywordPlace place);
// A header, with its colon: `[a-z][a-zA-Z0-9.-]*:` for a target, `[A-Z][A-Z0-9._]*:` for a function. 0 bytes if `text`
// does not start with one.
std::size_t MatchHeader(std::string_view text);

// All keywords that start a line, for suggestions.
std::vector<std::string> LineKeywords();

}  // namespace loam::parse::earthfile
