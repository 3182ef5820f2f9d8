#include "compiler/syntax/earth_tree.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "compiler/syntax/quote.h"

namespace loam::syntax::earthfile {

namespace {

constexpr auto kTokenNames = std::to_array<std::string_view>({
#define LOAM_EARTH_TOKEN(Name, text) text,
#include "compiler/syntax/earth_tokens.def"
#undef LOAM_EARTH_TOKEN
});

std::string TokenText(const Tree& tree, const Token& token) {
  return IsVirtual(token.kind) ? std::string(TokenKindName(token.kind))
                               : fmt::format("{} {}", TokenKindName(token.kind), Quote(tree.SourceOf(token)));
}

void PrintNode(const Tree& tree, std::uint32_t index, int indent, std::string& out) {
  const Node& node = tree.nodes[index];
  out += fmt::format("{:{}}{}{}\n", "", indent, NodeKindName(node.kind), node.has_error ? " (error)" : "");
  std::uint32_t child = index + 1;
  for (std::uint32_t token = node.first_token; token < node.end_token;) {
    if (child < node.end_node && token == tree.nodes[child].first_token) {
      const Node& inner = tree.nodes[child];
      PrintNode(tree, child, indent + 2, out);
      // A node without tokens takes none.
      token = std::max(token, inner.end_token);
      child = inner.end_node;
      continue;
    }
    if (!IsTrivia(tree.tokens[token].kind) && !IsVirtual(tree.tokens[token].kind)) {
      out += fmt::format("{:{}}{}\n", "", indent + 2, TokenText(tree, tree.tokens[token]));
    }
    ++token;
  }
}

}  // namespace

std::string_view TokenKindName(TokenKind kind) {
  return kTokenNames[static_cast<std::size_t>(kind)];
}

std::string_view NodeKindName(NodeKind kind) {
  switch (kind) {
    case NodeKind::kFile:
      return "file";
    case NodeKind::kVersion:
      return "version";
    case NodeKind::kHeader:
      return "header";
    case NodeKind::kRecipe:
      return "recipe";
    case NodeKind::kMisplaced:
      return "misplaced";
    case NodeKind::kStatement:
      return "statement";
    case NodeKind::kCommand:
      return "command";
    case NodeKind::kValue:
      return "value";
    case NodeKind::kBlockStatement:
      return "block-statement";
    case NodeKind::kBlockHeader:
      return "block-header";
    case NodeKind::kBlock:
      return "block";
    case NodeKind::kClause:
      return "clause";
    case NodeKind::kClauseHeader:
      return "clause-header";
    case NodeKind::kBlockEnd:
      return "block-end";
  }
  return "";
}

source::SourceRange Tree::RangeOf(const Node& node) const {
  source::SourceRange range;
  for (std::uint32_t i = node.first_token; i < node.end_token; ++i) {
    if (!IsTrivia(tokens[i].kind) && !IsVirtual(tokens[i].kind)) {
      range = source::Cover(range, RangeOf(tokens[i]));
    }
  }
  return range;
}

std::string PrintSource(const Tree& tree) {
  std::string out;
  out.reserve(tree.buffer().text().size());
  for (const Token& token : tree.tokens) {
    out += tree.SourceOf(token);
  }
  return out;
}

std::string PrintTokens(const Tree& tree) {
  std::string out;
  for (const Token& token : tree.tokens) {
    const source::LineColumn place = tree.buffer().lines().ByteColumn(token.begin);
    out += fmt::format("{}:{} {}\n", place.line, place.column, TokenText(tree, token));
  }
  return out;
}

std::string PrintTree(const Tree& tree) {
  std::string out;
  if (!tree.nodes.empty()) {
    PrintNode(tree, 0, 0, out);
  }
  return out;
}

}  // namespace loam::syntax::earthfile
