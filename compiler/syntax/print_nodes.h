// What the printers of both languages' lossless trees share: the walk over nodes and tokens. Included by print.cpp and
// earth_tree.cpp alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "compiler/source/source_manager.h"

namespace loam::syntax {

// Node `index` and what is below it, a line each, indented. `token_text` gives the line of a token, "" for one that is
// not shown.
template <class Tree, class TokenText>
void PrintNodes(const Tree& tree, std::uint32_t index, int indent, const TokenText& token_text, std::string& out) {
  const auto& node = tree.nodes[index];
  out += fmt::format("{:{}}{}{}\n", "", indent, NodeKindName(node.kind), node.has_error ? " (error)" : "");
  std::uint32_t child = index + 1;
  for (std::uint32_t token = node.first_token; token < node.end_token;) {
    if (child < node.end_node && token == tree.nodes[child].first_token) {
      const auto& inner = tree.nodes[child];
      PrintNodes(tree, child, indent + 2, token_text, out);
      // A node without tokens takes none.
      token = std::max(token, inner.end_token);
      child = inner.end_node;
      continue;
    }
    if (const std::string text = token_text(tree.tokens[token]); !text.empty()) {
      out += fmt::format("{:{}}{}\n", "", indent + 2, text);
    }
    ++token;
  }
}

// All tokens, a line each, with their places.
template <class Tree, class TokenText>
std::string PrintTokenLines(const Tree& tree, const TokenText& token_text) {
  std::string out;
  for (const auto& token : tree.tokens) {
    const source::LineColumn place = tree.buffer().lines().ByteColumn(token.begin);
    out += fmt::format("{}:{} {}\n", place.line, place.column, token_text(token));
  }
  return out;
}

// The file, byte for byte.
template <class Tree>
std::string JoinTokens(const Tree& tree) {
  std::string out;
  out.reserve(tree.buffer().text().size());
  for (const auto& token : tree.tokens) {
    out += tree.SourceOf(token);
  }
  return out;
}

}  // namespace loam::syntax
