// The JSON form of an instruction: a whole-text JSON array, read as Go's encoding/json reads it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "compiler/syntax/arena.h"
#include "compiler/syntax/token.h"

namespace loam::parse {

struct JsonToken {
  syntax::TokenKind kind{};  // brackets, Comma, JsonString, JsonOther
  std::uint32_t begin = 0;   // in the text given
  std::uint32_t end = 0;
  std::string_view value;  // of a string: decoded, in the text itself or in the arena
};

// Whether `text` is a JSON array and nothing else (white space around it aside). If so, `tokens` holds its brackets,
// commas and elements; an element that is no string is one JsonOther. Depth is bounded by `max_depth`.
bool ScanJsonArray(std::string_view text, std::uint32_t max_depth, syntax::Arena& arena,
                   std::vector<JsonToken>& tokens);

}  // namespace loam::parse
