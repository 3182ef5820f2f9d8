// The plan of a build (`loam explain`): each step, whether it is cached, and why the others would run.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "cli/command.h"
#include "runtime-executor/engine/engine.h"

namespace loam::cli {

// What a step is called in the plan; nullopt: it is not told (no step of the user).
using PlanName = std::function<std::optional<std::string>(const solver::StepReport& step)>;

// To `context.out`. Reads the history of builds for the comparison.
Result<> PrintPlan(const Context& context, const engine::Engine& engine, const engine::Job& job,
                   const PlanName& name_of);

}  // namespace loam::cli
