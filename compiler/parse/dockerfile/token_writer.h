// Appends tokens to a tree so that together they are the whole text: what lies between two of them becomes trivia.
#pragma once

#include <cstdint>
#include <string_view>

#include "compiler/syntax/tree.h"

namespace loam::parse {

class TokenWriter {
 public:
  explicit TokenWriter(syntax::Tree& tree) : tree_(&tree), text_(tree.buffer().text()) {}

  // A token of the bytes [begin, end); `begin` is at or behind the end of the token before. Returns its index.
  std::uint32_t Add(syntax::TokenKind kind, std::uint32_t begin, std::uint32_t end, std::string_view meaning);
  // An empty token behind the last one.
  std::uint32_t AddEmpty(syntax::TokenKind kind) { return Add(kind, cursor_, cursor_, {}); }
  // Trivia up to `end`.
  void SkipTo(std::uint32_t end);
  [[nodiscard]] std::uint32_t cursor() const { return cursor_; }

 private:
  void Push(syntax::TokenKind kind, std::uint32_t end);
  // Behind the line end if a continuation starts at `pos`, else 0.
  [[nodiscard]] std::uint32_t ContinuationEnd(std::uint32_t pos, std::uint32_t limit) const;

  syntax::Tree* tree_;
  std::string_view text_;
  std::uint32_t cursor_ = 0;
};

}  // namespace loam::parse
