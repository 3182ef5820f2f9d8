// The lossless syntax tree of an Earthfile: a flat array of tokens that are the whole text, and a flat array of nodes
// over them, as in tree.h.
//
// Nodes lie in preorder; a node spans tokens [first_token, end_token) and nodes [its index, end_node). Node 0 is the
// file and spans all tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/source/source_manager.h"
#include "compiler/syntax/arena.h"

namespace loam::syntax::earthfile {

enum class TokenKind : std::uint8_t {
#define LOAM_EARTH_TOKEN(Name, text) k##Name,
#include "compiler/syntax/earth_tokens.def"
#undef LOAM_EARTH_TOKEN
};
// "keyword FROM", "blank", ...
std::string_view TokenKindName(TokenKind kind);
constexpr bool IsTrivia(TokenKind kind) {
  return kind <= TokenKind::kSkipped;
}
constexpr bool IsKeyword(TokenKind kind) {
  return kind > TokenKind::kSkipped && kind <= TokenKind::kKeywordEnd;
}
// Takes no bytes.
constexpr bool IsVirtual(TokenKind kind) {
  return kind >= TokenKind::kIndent;
}

// Bytes [begin, end) of the buffer.
struct Token {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  TokenKind kind{};
};

// The rules of the grammar, under their names.
enum class NodeKind : std::uint8_t {
  kFile,
  kVersion,
  kHeader,
  kRecipe,
  kMisplaced,
  kStatement,
  kCommand,
  kValue,
  kBlockStatement,
  kBlockHeader,
  kBlock,
  kClause,
  kClauseHeader,
  kBlockEnd,
};
// "file", "version", ...
std::string_view NodeKindName(NodeKind kind);

struct Node {
  NodeKind kind{};
  // A syntax error was reported inside.
  bool has_error = false;
  std::uint32_t first_token = 0;
  std::uint32_t end_token = 0;
  std::uint32_t end_node = 0;
};

class Tree {
 public:
  // `buffer` outlives the tree.
  explicit Tree(const source::Buffer& buffer) : buffer_(&buffer) {}
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  [[nodiscard]] const source::Buffer& buffer() const { return *buffer_; }
  // Where texts that are not in the buffer live; the typed tree is allocated here too.
  [[nodiscard]] Arena& arena() { return arena_; }

  // As written.
  [[nodiscard]] std::string_view SourceOf(const Token& token) const {
    return buffer_->text().substr(token.begin, token.end - token.begin);
  }
  [[nodiscard]] source::SourceRange RangeOf(const Token& token) const { return buffer_->Range(token.begin, token.end); }
  // From the first to the last significant token of the node that takes bytes.
  [[nodiscard]] source::SourceRange RangeOf(const Node& node) const;

  std::vector<Token> tokens;
  std::vector<Node> nodes;
  // For each kTargetName and kFunctionName token, in order: where the reference's lexer places the token that ends its
  // recipe, or its header if there is no recipe. That is the end of a target in source maps.
  std::vector<std::uint32_t> recipe_stops;

 private:
  const source::Buffer* buffer_;
  Arena arena_;
};

// The file, byte for byte: all tokens as written.
std::string PrintSource(const Tree& tree);
// One token a line: place, kind, text as written (quoted).
std::string PrintTokens(const Tree& tree);
// Nodes and significant tokens, indented.
std::string PrintTree(const Tree& tree);

}  // namespace loam::syntax::earthfile
