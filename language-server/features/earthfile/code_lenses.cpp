#include <fmt/format.h>

#include "language-server/features/earthfile/analysis.h"
#include "language-server/features/earthfile/features.h"

namespace loam::lsp::earthfile {
namespace {

std::string Duration(std::int64_t milliseconds) {
  if (milliseconds < 1000) {
    return fmt::format("{} ms", milliseconds);
  }
  if (milliseconds < 60'000) {
    return fmt::format("{:.1f} s", static_cast<double>(milliseconds) / 1000);
  }
  return fmt::format("{} min {} s", milliseconds / 60'000, milliseconds / 1000 % 60);
}

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
  const auto facts = query.store.LastBuild(query.document.path(), target);
  if (!facts) {
    return Command{"not built yet", "loam.build", {query.document.uri(), target}};
  }
  std::size_t cached = 0;
  for (const StepFacts& step : facts->steps) {
    cached += step.cached ? 1 : 0;
  }
  return Command{fmt::format("last build {}{}, {} of {} steps cached", facts->error.empty() ? "" : "failed after ",
                             Duration(facts->duration_ms), cached, facts->steps.size()),
                 "loam.build",
                 {query.document.uri(), target}};
}

}  // namespace loam::lsp::earthfile
