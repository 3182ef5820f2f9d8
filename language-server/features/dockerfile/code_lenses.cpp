#include <fmt/format.h>

#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/features.h"
#include "language-server/features/dockerfile/last_build.h"

namespace loam::lsp::dockerfile {

// On each FROM: build the stage; on the first one also the graph and the last build.
std::vector<CodeLens> CodeLenses(const Query& query) {
  std::vector<CodeLens> lenses;
  const ast::Dockerfile& file = DockerfileAnalysis::Of(query.document).file();
  const std::string& uri = query.document.uri();
  bool first = true;
  for (const ast::Stage& stage : file.stages) {
    if (stage.from == nullptr) {
      continue;
    }
    const Span span = SpanOf(stage.from->range);
    const bool named = stage.from->stage_name.present();
    const std::string name = named ? std::string(stage.from->stage_name.text) : std::string();
    if (named || &stage == &file.stages.back()) {
      lenses.push_back(
          {span, Command{named ? fmt::format("build {}", name) : std::string("build"), "loam.build", {uri, name}}, {}});
    }
    if (!first) {
      continue;
    }
    first = false;
    lenses.push_back({span, Command{"graph", "loam.graph", {uri}}, {}});
    if (!query.document.path().empty()) {
      lenses.push_back({span, std::nullopt, "last build"});
    }
  }
  return lenses;
}

std::optional<Command> CodeLensCommand(const Query& query, std::string_view data) {
  if (data != "last build") {
    return std::nullopt;
  }
  const LastBuild last(query);
  if (!last.facts()) {
    return Command{"not built yet", "loam.build", {query.document.uri(), ""}};
  }
  std::size_t cached = 0;
  for (const StepFacts& step : last.facts()->steps) {
    cached += step.cached ? 1 : 0;
  }
  const std::string title =
      fmt::format("last build {}{}, {} of {} steps cached", last.facts()->error.empty() ? "" : "failed after ",
                  DurationText(last.facts()->duration_ms), cached, last.facts()->steps.size());
  return Command{title, "loam.build", {query.document.uri(), ""}};
}

}  // namespace loam::lsp::dockerfile
