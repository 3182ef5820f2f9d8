// TreeWords: the tokens of a syntax tree's nodes as the texts and words of the AST. Texts that stand in the source are
// views of it; all others lie in the tree's arena.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "compiler/ast/earthfile/ast.h"
#include "compiler/syntax/earth_tree.h"

namespace loam::ast::earthfile {

class TreeWords {
 public:
  using Tree = syntax::earthfile::Tree;
  using Node = syntax::earthfile::Node;
  using Token = syntax::earthfile::Token;

  // `tree` must outlive it.
  explicit TreeWords(Tree& tree) : tree_(tree), is_utf8_(IsUtf8(tree.buffer().text())) {}

  [[nodiscard]] Tree& tree() const { return tree_; }
  [[nodiscard]] const Node& node(std::uint32_t index) const { return tree_.nodes[index]; }
  [[nodiscard]] const Token& token(std::uint32_t index) const { return tree_.tokens[index]; }
  // Indices of the children of a node, in order.
  [[nodiscard]] std::vector<std::uint32_t> Children(std::uint32_t index) const;
  // Significant tokens of a node that take bytes.
  [[nodiscard]] std::vector<std::uint32_t> Tokens(const Node& node) const;
  [[nodiscard]] Location LocationOf(const Node& node) const;

  // `text`, or a copy in which U+FFFD stands for what is not UTF-8.
  [[nodiscard]] std::string_view Utf8(std::string_view text) const {
    return is_utf8_ ? text : tree_.arena().Copy(ToUtf8(text));
  }
  // The token as it stands there; without line continuations; and a value, which may have blanks in it.
  [[nodiscard]] Word RawWord(std::uint32_t index) const {
    return {Utf8(tree_.SourceOf(token(index))), tree_.RangeOf(token(index))};
  }
  [[nodiscard]] Word PlainWord(std::uint32_t index) const;
  [[nodiscard]] Word ValueOf(const std::vector<std::uint32_t>& tokens, std::size_t begin) const;
  [[nodiscard]] List<Word> PlainWords(const std::vector<std::uint32_t>& tokens, std::size_t begin) const;
  // The words from `begin` on, or the strings of the JSON array they are.
  List<Word> MaybeJson(const std::vector<std::uint32_t>& tokens, std::size_t begin, bool* exec_mode,
                       bool* is_null) const;
  // The comment lines above a token.
  [[nodiscard]] std::string_view DocsAbove(std::uint32_t token) const;

 private:
  Tree& tree_;
  bool is_utf8_;
};

}  // namespace loam::ast::earthfile
