// loam why [STEP]: what made a step of the last build run again, from the stored preimages of its cache key.

#include "base/print.h"
#include "cli/commands/common.h"
#include "cli/commands/explanation.h"
#include "cli/commands/verbs.h"

namespace loam::cli {

namespace {

using engine::BuildRecord;

constexpr Flag kFlags[] = {
    {.name = "all",
     .short_name = 'a',
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "list every step of the build, the cached ones too"},
    kRootFlag,
};

void PrintSummary(std::FILE* out, const BuildRecord* previous, const BuildRecord& current) {
  std::size_t cached = 0;
  for (const solver::StepReport& step : current.steps) {
    cached += step.outcome == solver::StepReport::Outcome::kCached ? 1 : 0;
  }
  PrintTo(out, "last build: {} ({}, {} steps, {} cached)\n", current.title,
          current.error.empty() ? "succeeded" : "failed", current.steps.size(), cached);
  const std::vector<const solver::StepReport*> origins = engine::OriginsOfWork(previous, current);
  if (origins.empty()) {
    PrintTo(out, "nothing ran: every step came from the cache\n");
  }
  for (const solver::StepReport* const step : origins) {
    PrintTo(out, "\n");
    PrintExplanation(out, *step, engine::ExplainStep(previous, current, *step));
  }
  std::size_t ran = 0;
  for (const solver::StepReport& step : current.steps) {
    ran += step.outcome == solver::StepReport::Outcome::kRan ? 1 : 0;
  }
  if (ran > origins.size() && !origins.empty()) {
    PrintTo(out, "\n{} later step{} ran because of that; `loam why STEP` explains one\n", ran - origins.size(),
            ran - origins.size() == 1 ? "" : "s");
  }
}

Exit Run(Context& context, const Flags& flags) {
  if (flags.positional().size() > 1) {
    return UsageError(context, kWhyCommand,
                      Error(ErrorCode::kInvalidArgument, "one STEP at most; quote a name that has blanks"));
  }
  const auto engine = OpenEngine(context, flags);
  if (!engine) {
    PrintError(context, engine.error());
    return Exit::kFailed;
  }
  const Result<std::vector<BuildRecord>> builds = (*engine)->Builds(kComparedBuilds);
  if (!builds) {
    PrintError(context, builds.error());
    return Exit::kFailed;
  }
  if (builds->empty()) {
    PrintError(context, Error(ErrorCode::kNotFound, "no build is recorded yet").WithHint("run `loam build` first"));
    return Exit::kFailed;
  }
  const BuildRecord& current = builds->front();
  const BuildRecord* const previous = PreviousBuild(*builds, builds->front().build_key, 1);
  if (flags.Bool("all")) {
    for (const solver::StepReport& step : current.steps) {
      PrintExplanation(context.out, step, engine::ExplainStep(previous, current, step));
    }
    return Exit::kOk;
  }
  if (flags.positional().empty()) {
    PrintSummary(context.out, previous, current);
    return Exit::kOk;
  }
  const Result<const solver::StepReport*> step = engine::FindStep(current, flags.positional()[0]);
  if (!step) {
    PrintError(context, step.error());
    return Exit::kFailed;
  }
  PrintExplanation(context.out, **step, engine::ExplainStep(previous, current, **step));
  return Exit::kOk;
}

}  // namespace

const Command kWhyCommand = {
    .name = "why",
    .summary = "say what made the steps of the last build run again",
    .usage = "loam why [FLAGS] [STEP]   STEP: \"[2/5] RUN make\", \"2/5\", a digest, or a part of the name",
    .flags = kFlags,
    .run = Run};

}  // namespace loam::cli
