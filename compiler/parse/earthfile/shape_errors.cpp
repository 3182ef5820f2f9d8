#include "compiler/parse/earthfile/shape_errors.h"

#include <string>

#include <fmt/format.h>

namespace loam::parse::earthfile {

namespace {

using diag::Kind;
using source::SourceRange;
using syntax::earthfile::IsVirtual;
using syntax::earthfile::Token;
using syntax::earthfile::TokenKind;
using syntax::earthfile::Tree;

// What is missing at the end of the line that starts with `keyword`.
std::string Missing(TokenKind keyword, TokenKind last) {
  switch (keyword) {
    case TokenKind::kKeywordIf:
    case TokenKind::kKeywordElseIf:
      return "a condition";
    case TokenKind::kKeywordFor:
      return "a variable, `IN` and the words to go over";
    case TokenKind::kKeywordEnv:
      return last == keyword ? "a name" : "a value behind the `=`";
    case TokenKind::kKeywordArg:
      return last == keyword ? "a name" : "a value behind the blanks";
    case TokenKind::kKeywordSet:
    case TokenKind::kKeywordLet:
      return last == keyword ? "a name, `=` and a value" : last == TokenKind::kWord ? "`=` and a value" : "a value";
    case TokenKind::kKeywordLabel:
      return last == TokenKind::kWord ? "`=` and a value behind each name" : "a value behind the `=`";
    default:
      return "an argument";
  }
}

std::string_view HintFor(const Tree& tree, TokenKind keyword, const Token& offending) {
  const std::string_view text = tree.SourceOf(offending);
  switch (keyword) {
    case TokenKind::kTargetName:
    case TokenKind::kFunctionName:
      return "the recipe starts on the next line, indented";
    case TokenKind::kKeywordElse:
      return text.starts_with("IF") ? "write `ELSE IF`, with one blank between the words"
                                    : "what `ELSE` does starts on the next line";
    case TokenKind::kKeywordTry:
    case TokenKind::kKeywordCatch:
    case TokenKind::kKeywordFinally:
    case TokenKind::kKeywordWait:
    case TokenKind::kKeywordEnd:
      return "what follows stands on a line of its own";
    case TokenKind::kKeywordSet:
      return "write `SET name = value`";
    case TokenKind::kKeywordLet:
      return "write `LET name = value`";
    case TokenKind::kKeywordArg:
      return "write `ARG name` or `ARG name=value`";
    case TokenKind::kKeywordEnv:
      return "write `ENV name=value`";
    case TokenKind::kKeywordLabel:
      return "write `LABEL name=value name=value`; a value with blanks is quoted";
    default:
      return "";
  }
}

}  // namespace

void ReportLine(const Tree& tree, std::uint32_t offending, diag::Emitter& emitter) {
  // The line's first token, and the last one that fits.
  std::uint32_t first = offending;
  std::uint32_t last = offending;
  for (std::uint32_t i = offending; i > 0 && !IsVirtual(tree.tokens[i - 1].kind); --i) {
    if (!IsTrivia(tree.tokens[i - 1].kind)) {
      last = last == offending ? i - 1 : last;
      first = i - 1;
    }
  }
  if (first == offending) {
    const auto size = static_cast<std::uint32_t>(tree.tokens.size());
    emitter.Emit<Kind::kEarthSyntax>(size == 0 ? tree.buffer().Range(0, 0)
                                               : tree.RangeOf(tree.tokens[std::min(offending, size - 1)]));
    return;
  }
  const Token& keyword = tree.tokens[first];
  const std::string_view keyword_text = tree.SourceOf(keyword);
  const SourceRange last_range = tree.RangeOf(tree.tokens[last]);
  const bool at_line_end = offending >= tree.tokens.size() || IsVirtual(tree.tokens[offending].kind);
  if (keyword.kind == TokenKind::kKeywordWith &&
      (last == first || tree.tokens[last].kind != TokenKind::kKeywordDocker)) {
    emitter.Emit<Kind::kEarthMissingDocker>(at_line_end ? last_range : tree.RangeOf(tree.tokens[offending]))
        .Hint("write `WITH DOCKER`");
    return;
  }
  if (at_line_end && keyword.kind == TokenKind::kKeywordVersion) {
    emitter.Emit<Kind::kEarthMissingVersionNumber>(last_range).Hint("write `VERSION 0.8`");
    return;
  }
  if (at_line_end) {
    auto report = emitter.Emit<Kind::kEarthMissingArgument>(last_range, keyword_text,
                                                            Missing(keyword.kind, tree.tokens[last].kind));
    if (const std::string_view hint = HintFor(tree, keyword.kind, keyword); !hint.empty()) {
      report.Hint(std::string(hint));
    }
    return;
  }
  const Token& token = tree.tokens[offending];
  const bool is_blank = token.kind == TokenKind::kValueBlank;
  auto report = emitter.Emit<Kind::kEarthUnexpected>(
      tree.RangeOf(token), is_blank ? std::string("blanks") : fmt::format("`{}`", tree.SourceOf(token)),
      tree.SourceOf(tree.tokens[last]));
  if (const std::string_view hint = HintFor(tree, keyword.kind, token); !hint.empty()) {
    report.Hint(std::string(hint));
  }
}

void ReportMissingEnd(const Tree& tree, std::uint32_t opening, std::uint32_t offending, diag::Emitter& emitter) {
  const Token& keyword = tree.tokens[opening];
  if (keyword.kind == TokenKind::kKeywordWith) {
    // Without DOCKER no block was opened; that was reported.
    std::uint32_t next = opening + 1;
    while (next < tree.tokens.size() && IsTrivia(tree.tokens[next].kind)) {
      ++next;
    }
    if (next == tree.tokens.size() || tree.tokens[next].kind != TokenKind::kKeywordDocker) {
      return;
    }
  }
  auto report = emitter.Emit<Kind::kEarthMissingEnd>(tree.RangeOf(keyword), tree.SourceOf(keyword));
  report.Hint("close it with `END` on a line of its own");
  for (std::uint32_t i = opening + 1; i < tree.tokens.size() && !IsVirtual(tree.tokens[i].kind); ++i) {
    if (tree.tokens[i].kind == TokenKind::kWord && tree.SourceOf(tree.tokens[i]) == "END") {
      report.Label(tree.RangeOf(tree.tokens[i]), "this `END` is a word of the line: it closes nothing");
    }
  }
  if (offending < tree.tokens.size() && !IsVirtual(tree.tokens[offending].kind)) {
    report.Label(tree.RangeOf(tree.tokens[offending]), "the block is still open here");
  }
}

}  // namespace loam::parse::earthfile
