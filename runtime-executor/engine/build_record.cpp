#include "runtime-executor/engine/build_record.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "runtime-executor/engine/step_name.h"

namespace loam::engine {

using solver::StepReport;

const StepReport* BuildRecord::Find(const Digest& vertex) const {
  for (const StepReport& step : steps) {
    if (step.vertex == vertex) {
      return &step;
    }
  }
  return nullptr;
}

namespace {

// From the surest to the vaguest way to name a step.
bool Names(const StepReport& step, std::string_view query, int way) {
  const StepName name = ParseStepName(step.name);
  const std::string digest = step.vertex.ToString();
  constexpr std::size_t kShortestDigest = 6;
  switch (way) {
    case 0:
      return step.name == query || digest == query;
    case 1:
      return !name.fraction.empty() &&
             (name.fraction == query || fmt::format("{} {}", name.stage, name.fraction) == query ||
              fmt::format("[{}]", name.fraction) == query);
    case 2:
      return name.text == query;
    case 3:
      return query.size() >= kShortestDigest && (digest.rfind(query, 0) == 0 || step.vertex.Hex().rfind(query, 0) == 0);
    default:
      return step.name.find(query) != std::string::npos;
  }
}

std::string ListOf(const std::vector<const StepReport*>& steps) {
  constexpr std::size_t kShown = 20;
  std::string text;
  for (std::size_t i = 0; i < steps.size() && i < kShown; ++i) {
    text += (i == 0 ? "" : ", ") + fmt::format("`{}`", steps[i]->name);
  }
  return steps.size() > kShown ? fmt::format("{} and {} more", text, steps.size() - kShown) : text;
}

}  // namespace

Result<const StepReport*> FindStep(const BuildRecord& build, std::string_view query) {
  constexpr int kWays = 5;
  for (int way = 0; way < kWays && !query.empty(); ++way) {
    std::vector<const StepReport*> found;
    for (const StepReport& step : build.steps) {
      if (Names(step, query, way)) {
        found.push_back(&step);
      }
    }
    if (found.size() == 1) {
      return found.front();
    }
    if (found.size() > 1) {
      return Unexpected(Error(ErrorCode::kInvalidArgument,
                              fmt::format("`{}` can be {} steps: {}", query, found.size(), ListOf(found)))
                            .WithHint("use the whole name of one"));
    }
  }
  std::vector<std::string> names;
  std::vector<const StepReport*> all;
  for (const StepReport& step : build.steps) {
    names.push_back(step.name);
    all.push_back(&step);
  }
  Error error(ErrorCode::kNotFound,
              fmt::format("the build has no step `{}`; it has {}", query, all.empty() ? "none" : ListOf(all)));
  if (const auto near = NearestWord(query, names)) {
    return Unexpected(std::move(error).WithHint(fmt::format("did you mean `{}`?", *near)));
  }
  return Unexpected(std::move(error));
}

}  // namespace loam::engine
