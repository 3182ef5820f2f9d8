// The printers of the lossless tree.
#include <fmt/format.h>

#include "compiler/syntax/quote.h"
#include "compiler/syntax/tree.h"

namespace loam::syntax {

namespace {

std::string Place(const Tree& tree, std::uint32_t offset) {
  const source::LineColumn place = tree.buffer().lines().ByteColumn(offset);
  return fmt::format("{}:{}", place.line, place.column);
}

std::string TokenText(const Tree& tree, const Token& token) {
  std::string out = fmt::format("{} {}", TokenKindName(token.kind), Quote(tree.SourceOf(token)));
  if (!IsTrivia(token.kind) && token.text() != tree.SourceOf(token)) {
    out += fmt::format(" = {}", Quote(token.text()));
  }
  return out;
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
    if (!IsTrivia(tree.tokens[token].kind)) {
      out += fmt::format("{:{}}{}\n", "", indent + 2, TokenText(tree, tree.tokens[token]));
    }
    ++token;
  }
}

}  // namespace

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '"':
      case '\\':
        out.push_back('\\');
        out.push_back(c);
        break;
      default:
        if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte >= 0x7F) {
          out += fmt::format("\\x{:02x}", byte);
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
  return out;
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
    out += fmt::format("{} {}\n", Place(tree, token.begin), TokenText(tree, token));
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

}  // namespace loam::syntax
