#include <algorithm>

#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/features.h"

namespace loam::lsp::earthfile {

// The name, the word, the command, the blocks around it, the recipe, the file.
std::vector<Span> Selections(const Query& query, std::uint32_t offset) {
  const EarthfileAnalysis& analysis = EarthfileAnalysis::Of(query.document);
  const auto& symbols = analysis.symbols();
  std::vector<Span> spans;
  const auto add = [&](source::SourceRange range) {
    if (range.valid() && SpanOf(range).Touches(offset)) {
      spans.push_back(SpanOf(range));
    }
  };
  for (const auto& use : symbols.uses) {
    add(use.range);
  }
  for (const auto& use : symbols.references) {
    add(use.name);
    add(use.artifact);
    add(use.project);
    add(use.range);
    for (const auto& argument : use.arguments) {
      add(argument.name_range);
      add(argument.range);
    }
  }
  for (const auto& token : analysis.file().tree->tokens) {
    if (!syntax::earthfile::IsTrivia(token.kind) && token.end > token.begin) {
      add({analysis.buffer().id(), token.begin, token.end});
    }
  }
  for (const auto& scope : symbols.scopes) {
    add(scope.range);
    sema::earthfile::EachStatement(scope.recipe,
                                   [&](const ast::earthfile::Statement& statement) { add(statement.location.range); });
  }
  spans.push_back({0, query.document.text().size()});
  std::sort(spans.begin(), spans.end(), [](Span a, Span b) { return a.size() < b.size(); });
  // Each inside of the next.
  std::vector<Span> nested;
  for (const Span span : spans) {
    if (nested.empty() || (span.Contains(nested.back()) && span != nested.back())) {
      nested.push_back(span);
    }
  }
  return nested;
}

}  // namespace loam::lsp::earthfile
