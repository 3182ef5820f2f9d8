#include "cli/commands/plan_printer.h"

#include "base/print.h"
#include "cli/commands/explanation.h"

namespace loam::cli {

namespace {

constexpr std::string_view kIndent = "          ";

bool IsSource(const solver::StepReport& step) {
  for (const solver::Preimage::Field& field : step.preimage.fields) {
    if (field.name == "op") {
      return field.value == "source";
    }
  }
  return false;
}

}  // namespace

Result<> PrintPlan(const Context& context, const engine::Engine& engine, const engine::Job& job,
                   const PlanName& name_of) {
  const engine::BuildRecord plan = LOAM_TRY(job.Plan());
  const std::vector<engine::BuildRecord> builds = LOAM_TRY(engine.Builds(kComparedBuilds));
  const engine::BuildRecord* const previous = PreviousBuild(builds, plan.build_key, 0);
  std::size_t cached = 0;
  std::size_t to_run = 0;
  for (const solver::StepReport& step : plan.steps) {
    const std::optional<std::string> name = name_of(step);
    if (!name) {
      continue;
    }
    const bool read =
        step.outcome == solver::StepReport::Outcome::kCached || step.outcome == solver::StepReport::Outcome::kRan;
    if (read && IsSource(step)) {
      // Planning reads it; only what is new of it is worth a reason.
      PrintTo(context.out, "source  {}\n", *name);
      const engine::Explanation explanation = engine::ExplainStep(previous, plan, step);
      if (explanation.verdict == engine::Explanation::Verdict::kChanged) {
        PrintReasons(context.out, explanation, kIndent);
      }
      continue;
    }
    switch (step.outcome) {
      case solver::StepReport::Outcome::kCached:
        ++cached;
        PrintTo(context.out, "cached  {}\n", *name);
        continue;
      case solver::StepReport::Outcome::kRan:
        ++to_run;
        PrintTo(context.out, "runs    {}\n", *name);
        PrintReasons(context.out, engine::ExplainStep(previous, plan, step), kIndent);
        continue;
      case solver::StepReport::Outcome::kFailed:
        PrintTo(context.out, "fails   {}\n{}{}\n", *name, kIndent, step.error);
        continue;
      case solver::StepReport::Outcome::kCanceled:
      case solver::StepReport::Outcome::kNotReached:
        PrintTo(context.out, "unknown {}\n", *name);
        continue;
    }
  }
  PrintTo(context.out, "{} to run, {} cached\n", to_run, cached);
  return {};
}

}  // namespace loam::cli
