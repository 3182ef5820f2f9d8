// The lossless syntax tree: a flat array of tokens that are the whole text, and a flat array of nodes over them.
//
// Nodes lie in preorder; a node spans tokens [first_token, end_token) and nodes [its index, end_node). Node 0 is the
// file and spans all tokens. Trivia belongs to the innermost node whose span encloses it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/source/source_manager.h"
#include "compiler/syntax/arena.h"
#include "compiler/syntax/token.h"

namespace loam::syntax {

// The rules of the grammar, under their names.
enum class NodeKind : std::uint8_t { kFile, kDirective, kInstruction, kBody, kStageName, kJsonArray, kHeredoc };
// "file", "directive", ...
std::string_view NodeKindName(NodeKind kind);

struct Node {
  NodeKind kind{};
  // A syntax error was reported inside: the tokens from there to the instruction's end were skipped.
  bool has_error = false;
  std::uint32_t first_token = 0;
  std::uint32_t end_token = 0;
  std::uint32_t end_node = 0;
};

// A comment above an instruction, without `#` and blanks around it.
struct CommentText {
  std::string_view text;
  source::SourceRange range;
};

// A heredoc word in an instruction, in the order of the bodies.
struct HeredocWord {
  std::string_view name;  // quotes removed
  bool expand = true;
  bool chomp = false;
  unsigned fd = 0;
  source::SourceRange range;
};

// What is known of an instruction beyond its tokens; one for each kInstruction node, in the same order.
struct LogicalLine {
  std::uint32_t keyword_token = 0;
  std::string_view text;   // continuations, comments and heredoc bodies removed; no blanks in front, those behind kept
  source::LineSpan lines;  // with heredoc bodies
  std::uint32_t last_header_line = 0;  // without
  bool has_empty_continuation = false;
  std::uint32_t first_comment = 0, end_comment = 0;  // in Tree::comments
  std::uint32_t first_heredoc = 0, end_heredoc = 0;  // in Tree::heredocs
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
  // From the first to the last significant token of the node.
  [[nodiscard]] source::SourceRange RangeOf(const Node& node) const;

  std::vector<Token> tokens;
  std::vector<Node> nodes;
  std::vector<LogicalLine> logical_lines;
  std::vector<CommentText> comments;
  std::vector<HeredocWord> heredocs;
  char escape = '\\';

 private:
  const source::Buffer* buffer_;
  Arena arena_;
};

// The file, byte for byte: all tokens as written.
std::string PrintSource(const Tree& tree);
// One token a line: place, kind, text as written (quoted), and its meaning where that differs.
std::string PrintTokens(const Tree& tree);
// Nodes and significant tokens, indented.
std::string PrintTree(const Tree& tree);

}  // namespace loam::syntax
