// Tokens of the lossless tree. Together, in order, they are the whole text of the buffer.
#pragma once

#include <cstdint>
#include <string_view>

namespace loam::syntax {

enum class TokenKind : std::uint8_t {
#define LOAM_TOKEN(Name, text) k##Name,
#include "compiler/syntax/tokens.def"
#undef LOAM_TOKEN
};
// "keyword", "blank", ...
std::string_view TokenKindName(TokenKind kind);
// Blanks, line ends, continuations, comments, skipped text, byte order mark.
constexpr bool IsTrivia(TokenKind kind) {
  return kind <= TokenKind::kSkipped;
}
// Of a known or unknown instruction.
constexpr bool IsKeyword(TokenKind kind) {
  return kind > TokenKind::kSkipped && kind <= TokenKind::kKeywordUnknown;
}

struct Token {
  // The meaning: continuations inside the token removed; for a JSON string decoded, for a flag unquoted. Lives in the
  // buffer or in the tree's arena.
  const char* text_data = nullptr;
  std::uint32_t text_size = 0;
  // Bytes [begin, end) of the buffer, as written.
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  TokenKind kind{};

  [[nodiscard]] std::string_view text() const { return {text_data, text_size}; }
};

}  // namespace loam::syntax
