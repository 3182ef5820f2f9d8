// loam why [STEP]: what made a step of the last build run again, from the stored preimages of its cache key.
#include <fmt/format.h>

#include "base/check.h"
#include "cli/commands/common.h"
#include "cli/commands/verbs.h"

namespace loam::cli {

namespace {

using engine::BuildRecord;
using engine::Difference;
using engine::Explanation;

constexpr std::size_t kShownDifferences = 20;
constexpr std::size_t kShownBuilds = 50;

constexpr Flag kFlags[] = {
    {.name = "all",
     .short_name = 'a',
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "list every step of the build, the cached ones too"},
    kRootFlag,
};

std::string Quote(const std::string& text) {
  constexpr std::size_t kLongest = 120;
  return text.size() > kLongest ? fmt::format("`{}…`", text.substr(0, kLongest)) : fmt::format("`{}`", text);
}

std::string Describe(const Difference& difference) {
  const std::string& subject = difference.subject;
  const auto change = [&](std::string_view what) {
    if (difference.before.empty()) {
      return fmt::format("{} is new: {}", what, Quote(difference.after));
    }
    if (difference.after.empty()) {
      return fmt::format("{} is gone (it was {})", what, Quote(difference.before));
    }
    return fmt::format("{} changed: {} → {}", what, Quote(difference.before), Quote(difference.after));
  };
  switch (difference.kind) {
    case Difference::Kind::kCommand:
      return change("the command");
    case Difference::Kind::kEnvironment:
      return change(fmt::format("the variable or build argument {}", subject));
    case Difference::Kind::kSecret:
      return change(fmt::format("the secret or SSH mount {}", subject));
    case Difference::Kind::kMount:
      return change(fmt::format("the mount at {}", subject));
    case Difference::Kind::kSource:
      return change(fmt::format("the source of {}", subject));
    case Difference::Kind::kSourceDigest:
      return change(fmt::format("what {} points to", subject));
    case Difference::Kind::kSetting:
      return change(subject);
    case Difference::Kind::kFileAdded:
      return fmt::format("the file {} is new", subject);
    case Difference::Kind::kFileRemoved:
      return fmt::format("the file {} is gone", subject);
    case Difference::Kind::kFileChanged:
      return fmt::format("the file {} changed", subject);
    case Difference::Kind::kEarlierStep:
      return fmt::format("the earlier step {} ran again", subject);
    case Difference::Kind::kInputs:
      return "it builds on other steps than before";
  }
  LOAM_UNREACHABLE("difference kind");
}

void PrintDifferences(std::FILE* out, const std::vector<Difference>& differences, std::string_view indent) {
  for (std::size_t i = 0; i < differences.size() && i < kShownDifferences; ++i) {
    fmt::print(out, "{}{}\n", indent, Describe(differences[i]));
  }
  if (differences.size() > kShownDifferences) {
    fmt::print(out, "{}and {} more\n", indent, differences.size() - kShownDifferences);
  }
}

void PrintExplanation(std::FILE* out, const solver::StepReport& step, const Explanation& explanation) {
  fmt::print(out, "{}\n", step.name);
  switch (explanation.verdict) {
    case Explanation::Verdict::kCached:
      fmt::print(out, "  did not run: its result came from the cache\n");
      return;
    case Explanation::Verdict::kFirstTime:
      fmt::print(out, "  ran because no earlier build has this step\n");
      return;
    case Explanation::Verdict::kIgnoredCache:
      fmt::print(out, "  ran because the cache was turned off for it (--no-cache)\n");
      return;
    case Explanation::Verdict::kResultGone:
      fmt::print(out,
                 "  ran although nothing changed: the result of the earlier run is not in the cache (pruned, or that "
                 "run did not succeed)\n");
      return;
    case Explanation::Verdict::kNotReached:
      fmt::print(out, "  did not run: the build ended before\n");
      return;
    case Explanation::Verdict::kChanged:
      break;
  }
  fmt::print(out, "  ran because\n");
  PrintDifferences(out, explanation.differences, "    ");
  if (!explanation.origin.empty()) {
    fmt::print(out, "  it began with {}\n", explanation.origin);
    PrintDifferences(out, explanation.origin_differences, "    ");
  }
}

// The newest earlier build of the same kind that has something to compare with.
const BuildRecord* PreviousOf(const std::vector<BuildRecord>& builds) {
  for (std::size_t i = 1; i < builds.size(); ++i) {
    if (builds[i].build_key == builds[0].build_key && !builds[i].steps.empty()) {
      return &builds[i];
    }
  }
  return nullptr;
}

void PrintSummary(std::FILE* out, const BuildRecord* previous, const BuildRecord& current) {
  std::size_t cached = 0;
  for (const solver::StepReport& step : current.steps) {
    cached += step.outcome == solver::StepReport::Outcome::kCached ? 1 : 0;
  }
  fmt::print(out, "last build: {} ({}, {} steps, {} cached)\n", current.title,
             current.error.empty() ? "succeeded" : "failed", current.steps.size(), cached);
  const std::vector<const solver::StepReport*> origins = engine::OriginsOfWork(previous, current);
  if (origins.empty()) {
    fmt::print(out, "nothing ran: every step came from the cache\n");
  }
  for (const solver::StepReport* const step : origins) {
    fmt::print(out, "\n");
    PrintExplanation(out, *step, engine::ExplainStep(previous, current, *step));
  }
  std::size_t ran = 0;
  for (const solver::StepReport& step : current.steps) {
    ran += step.outcome == solver::StepReport::Outcome::kRan ? 1 : 0;
  }
  if (ran > origins.size() && !origins.empty()) {
    fmt::print(out, "\n{} later step{} ran because of that; `loam why STEP` explains one\n", ran - origins.size(),
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
  const Result<std::vector<BuildRecord>> builds = (*engine)->Builds(kShownBuilds);
  if (!builds) {
    PrintError(context, builds.error());
    return Exit::kFailed;
  }
  if (builds->empty()) {
    PrintError(context, Error(ErrorCode::kNotFound, "no build is recorded yet").WithHint("run `loam build` first"));
    return Exit::kFailed;
  }
  const BuildRecord& current = builds->front();
  const BuildRecord* const previous = PreviousOf(*builds);
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
