#include "language-server/features/dockerfile/last_build.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/names.h"

namespace loam::lsp::dockerfile {
namespace {

// "[build 2/5] RUN make" -> stage "build", "RUN make". "[2/5] …" has no stage.
struct StepName {
  std::string_view stage;
  std::string_view code;
};
std::optional<StepName> ReadStepName(std::string_view name) {
  const std::size_t close = name.starts_with("[") ? name.find("] ") : std::string_view::npos;
  if (close == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view inner = name.substr(1, close - 1);
  const std::size_t blank = inner.rfind(' ');
  return StepName{blank == std::string_view::npos ? std::string_view() : inner.substr(0, blank),
                  name.substr(close + 2)};
}

std::string Squeezed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!blank || (!out.empty() && out.back() != ' ')) {
      out += blank ? ' ' : c;
    }
  }
  return out;
}

}  // namespace

LastBuild::LastBuild(const Query& query) {
  if (query.document.path().empty()) {
    return;
  }
  facts_ = query.store.LastBuild(query.document.path(), "");
  if (!facts_) {
    return;
  }
  const ast::Dockerfile& file = DockerfileAnalysis::Of(query.document).file();
  const Names& names = NamesOf(query);
  steps_.resize(file.instructions.size());
  std::vector<bool> taken(facts_->steps.size());
  for (std::uint32_t i = 0; i < file.instructions.size(); ++i) {
    const std::uint32_t region = names.RegionOf(i);
    const std::string code = Squeezed(file.instructions[i]->code());
    for (std::size_t s = 0; region > 0 && s < facts_->steps.size(); ++s) {
      const auto name = ReadStepName(facts_->steps[s].name);
      if (taken[s] || !name || Squeezed(name->code) != code) {
        continue;
      }
      const ast::From* from = file.stages[region - 1].from;
      const bool fits = name->stage.empty() || name->stage.starts_with("stage-") || from == nullptr ||
                        EqualsIgnoreCase(name->stage.substr(name->stage.rfind(' ') + 1), from->stage_name.text);
      if (fits) {
        steps_[i] = &facts_->steps[s];
        taken[s] = true;
        break;
      }
    }
  }
}

const StepFacts* LastBuild::StepOf(std::uint32_t instruction) const {
  return instruction < steps_.size() ? steps_[instruction] : nullptr;
}

std::string DurationText(std::int64_t milliseconds) {
  if (milliseconds < 1000) {
    return fmt::format("{} ms", milliseconds);
  }
  if (milliseconds < 60'000) {
    return fmt::format("{:.1f} s", static_cast<double>(milliseconds) / 1000);
  }
  return fmt::format("{} min {} s", milliseconds / 60'000, milliseconds / 1000 % 60);
}

}  // namespace loam::lsp::dockerfile
