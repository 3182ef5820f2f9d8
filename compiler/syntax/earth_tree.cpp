#include "compiler/syntax/earth_tree.h"

#include <array>

#include <fmt/format.h>

#include "compiler/syntax/print_nodes.h"
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

bool IsShown(const Token& token) {
  return !IsTrivia(token.kind) && !IsVirtual(token.kind);
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
    if (IsShown(tokens[i])) {
      range = source::Cover(range, RangeOf(tokens[i]));
    }
  }
  return range;
}

std::string PrintSource(const Tree& tree) {
  return JoinTokens(tree);
}

std::string PrintTokens(const Tree& tree) {
  return PrintTokenLines(tree, [&](const Token& token) { return TokenText(tree, token); });
}

std::string PrintTree(const Tree& tree) {
  std::string out;
  if (!tree.nodes.empty()) {
    PrintNodes(
        tree, 0, 0, [&](const Token& token) { return IsShown(token) ? TokenText(tree, token) : std::string(); }, out);
  }
  return out;
}

}  // namespace loam::syntax::earthfile
