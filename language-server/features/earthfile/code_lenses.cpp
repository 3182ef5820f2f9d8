#include <fmt/format.h>

#include "language-server/features/dockerfile/last_build.h"
#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/features.h"
#include "language-server/features/earthfile/last_build.h"

namespace loam::lsp::earthfile {
namespace {

bool IsTest(std::string_view name) {
  return name.starts_with("test") || name.ends_with("-test") || name.ends_with("-tests") || name.starts_with("lint") ||
         name.starts_with("check");
}

}  // namespace

// On each target: build or test it, and its last build; on the first one the graph.
std::vector<CodeLens> CodeLenses(const Query& query) {
  std::vector<CodeLens> lenses;
  const std::string& uri = query.document.uri();
  bool first = true;
  for (const auto& scope : EarthfileAnalysis::Of(query.document).symbols().scopes) {
    if (scope.kind != sema::earthfile::ScopeKind::kTarget) {
      continue;
    }
    const Span span = SpanOf(scope.name_range);
    const std::string target = fmt::format("+{}", scope.name);
    lenses.push_back(
        {span,
         Command{fmt::format("{} {}", IsTest(scope.name) ? "test" : "build", target), "loam.build", {uri, target}},
         {}});
    if (first) {
      lenses.push_back({span, Command{"graph", "loam.graph", {uri}}, {}});
      first = false;
    }
    if (!query.document.path().empty()) {
      lenses.push_back({span, std::nullopt, fmt::format("last {}", target)});
    }
  }
  return lenses;
}

std::optional<Command> CodeLensCommand(const Query& query, std::string_view data) {
  if (!data.starts_with("last +")) {
    return std::nullopt;
  }
  const std::string target(data.substr(5));
  const auto facts = LastBuildOf(query, query.document.path(), target);
  if (!facts) {
    return Command{"not built yet", "loam.build", {query.document.uri(), target}};
  }
  std::size_t cached = 0;
  for (const StepFacts& step : facts->steps) {
    cached += step.cached ? 1 : 0;
  }
  return Command{fmt::format("last build {}{}, {} of {} steps cached", facts->error.empty() ? "" : "failed after ",
                             dockerfile::DurationText(facts->duration_ms), cached, facts->steps.size()),
                 "loam.build",
                 {query.document.uri(), target}};
}

}  // namespace loam::lsp::earthfile
