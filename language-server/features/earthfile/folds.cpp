#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/features.h"

namespace loam::lsp::earthfile {
namespace {

using ast::earthfile::Statement;
using ast::earthfile::StatementKind;
using syntax::earthfile::Token;
using syntax::earthfile::TokenKind;

class Folder {
 public:
  explicit Folder(const Query& query)
      : text_(query.document.text()), analysis_(EarthfileAnalysis::Of(query.document)) {}

  std::vector<Fold> Run() {
    const auto& symbols = analysis_.symbols();
    for (const auto& scope : symbols.scopes) {
      if (scope.name_range.valid()) {
        Add(scope.name_range.begin, scope.range.end, FoldKind::kRegion);
      }
      sema::earthfile::EachStatement(scope.recipe, [&](const Statement& statement) { AddStatement(statement); });
    }
    AddImports();
    AddComments();
    return std::move(folds_);
  }

 private:
  void Add(std::uint32_t begin, std::uint32_t end, FoldKind kind) {
    const std::uint32_t first = text_.LineAt(begin);
    const std::uint32_t last = text_.LineAt(end);
    if (last > first) {
      folds_.push_back({{text_.LineSpan(first).end, text_.LineSpan(last).end}, kind});
    }
  }

  // From a line to the one in front of a clause.
  void AddUntil(std::uint32_t begin, source::SourceRange next) {
    if (next.valid()) {
      const std::uint32_t line = text_.LineAt(next.begin);
      Add(begin, line > 0 ? text_.LineSpan(line - 1).end : 0, FoldKind::kNone);
    }
  }

  void AddStatement(const Statement& statement) {
    const source::SourceRange range = statement.location.range;
    if (statement.kind == StatementKind::kIf) {
      const auto& branches = *statement.if_;
      std::vector<source::SourceRange> clauses;
      for (const auto& each : branches.else_ifs) {
        clauses.push_back(each.keyword);
      }
      if (branches.has_else) {
        clauses.push_back(branches.else_keyword);
      }
      clauses.push_back(branches.end);
      AddUntil(range.begin, clauses.front());
      for (std::size_t i = 0; i + 1 < clauses.size(); ++i) {
        AddUntil(clauses[i].begin, clauses[i + 1]);
      }
    } else if (statement.kind == StatementKind::kTry) {
      const auto& attempt = *statement.try_;
      AddUntil(range.begin, attempt.has_catch     ? attempt.catch_keyword
                            : attempt.has_finally ? attempt.finally_keyword
                                                  : attempt.end);
      if (attempt.has_catch) {
        AddUntil(attempt.catch_keyword.begin, attempt.has_finally ? attempt.finally_keyword : attempt.end);
      }
      if (attempt.has_finally) {
        AddUntil(attempt.finally_keyword.begin, attempt.end);
      }
    } else {
      Add(range.begin, range.end, FoldKind::kNone);
    }
  }

  // Runs of IMPORT in one recipe.
  void AddImports() {
    const auto& imports = analysis_.symbols().imports;
    for (std::size_t i = 0; i < imports.size();) {
      std::size_t end = i + 1;
      while (end < imports.size() && imports[end].scope == imports[i].scope &&
             text_.LineAt(imports[end].command->location.range.begin) ==
                 text_.LineAt(imports[end - 1].command->location.range.end) + 1) {
        ++end;
      }
      Add(imports[i].command->location.range.begin, imports[end - 1].command->location.range.end, FoldKind::kImports);
      i = end;
    }
  }

  // Runs of lines with nothing but a comment.
  void AddComments() {
    std::optional<std::uint32_t> first;
    std::uint32_t last = 0;
    const auto flush = [&] {
      if (first && last > *first) {
        folds_.push_back({{text_.LineSpan(*first).end, text_.LineSpan(last).end}, FoldKind::kComment});
      }
      first.reset();
    };
    for (const Token& token : analysis_.file().tree->tokens) {
      if (token.kind != TokenKind::kComment) {
        continue;
      }
      const std::uint32_t line = text_.LineAt(token.end);
      const std::string_view whole = text_.LineText(line);
      const std::size_t at = whole.find_first_not_of(" \t");
      if (at == std::string_view::npos || whole[at] != '#') {
        continue;
      }
      if (!first || line != last + 1) {
        flush();
        first = line;
      }
      last = line;
    }
    flush();
  }

  const Text& text_;
  const EarthfileAnalysis& analysis_;
  std::vector<Fold> folds_;
};

}  // namespace

std::vector<Fold> Folds(const Query& query) {
  return Folder(query).Run();
}

}  // namespace loam::lsp::earthfile
