// The keywords of instructions.
#pragma once

#include <string_view>

#include "compiler/syntax/token.h"

namespace loam::parse {

// In any case of letters; kKeywordUnknown for other words.
syntax::TokenKind KeywordKind(std::string_view word);

}  // namespace loam::parse
