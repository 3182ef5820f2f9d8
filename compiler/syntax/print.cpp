// The printers of the lossless tree.
#include <fmt/format.h>

#include "compiler/syntax/print_nodes.h"
#include "compiler/syntax/quote.h"
#include "compiler/syntax/tree.h"

namespace loam::syntax {

namespace {

std::string TokenText(const Tree& tree, const Token& token) {
  std::string out = fmt::format("{} {}", TokenKindName(token.kind), Quote(tree.SourceOf(token)));
  if (!IsTrivia(token.kind) && token.text() != tree.SourceOf(token)) {
    out += fmt::format(" = {}", Quote(token.text()));
  }
  return out;
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
  return JoinTokens(tree);
}

std::string PrintTokens(const Tree& tree) {
  return PrintTokenLines(tree, [&](const Token& token) { return TokenText(tree, token); });
}

std::string PrintTree(const Tree& tree) {
  std::string out;
  if (!tree.nodes.empty()) {
    PrintNodes(
        tree, 0, 0, [&](const Token& token) { return IsTrivia(token.kind) ? std::string() : TokenText(tree, token); },
        out);
  }
  return out;
}

}  // namespace loam::syntax
