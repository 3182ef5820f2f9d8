#include "language-server/features/earthfile/last_build.h"

#include <fmt/format.h>

#include "compiler/ast/earthfile/texts.h"
#include "language-server/features/earthfile/analysis.h"

namespace loam::lsp::earthfile {
namespace {

// As steps are named: "+build | RUN make all".
std::string Squeezed(std::string_view text) {
  std::string out;
  for (const char c : ast::earthfile::RemoveContinuations(text)) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!blank || (!out.empty() && out.back() != ' ')) {
      out += blank ? ' ' : c;
    }
  }
  return out;
}

}  // namespace

LastBuild::LastBuild(const Query& query) : query_(query) {
  if (!query.document.path().empty()) {
    facts_ = query.store.LastBuild(query.document.path(), "");
  }
}

const StepFacts* LastBuild::StepOf(std::string_view target, const ast::earthfile::Command& command) const {
  if (!facts_) {
    return nullptr;
  }
  const std::string name =
      fmt::format("+{} | {}", target, Squeezed(query_.document.text().Of(SpanOf(command.location.range))));
  for (const StepFacts& step : facts_->steps) {
    if (step.name == name || Squeezed(step.name) == name) {
      return &step;
    }
  }
  return nullptr;
}

std::optional<BuildFacts> LastBuildOf(const Query& query, std::string_view path, std::string_view target) {
  if (path.empty()) {
    return std::nullopt;
  }
  if (auto own = query.store.LastBuild(path, target)) {
    return own;
  }
  auto facts = query.store.LastBuild(path, "");
  if (!facts) {
    return std::nullopt;
  }
  const std::string front = fmt::format("{} | ", target);
  std::erase_if(facts->steps, [&](const StepFacts& step) { return !step.name.starts_with(front); });
  if (facts->steps.empty()) {
    return std::nullopt;
  }
  facts->duration_ms = 0;
  for (const StepFacts& step : facts->steps) {
    facts->duration_ms += step.duration_ms;
  }
  return facts;
}

}  // namespace loam::lsp::earthfile
