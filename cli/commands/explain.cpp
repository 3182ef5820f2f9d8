// loam explain: what a build would do, and why, before it does it.
#include <fmt/format.h>

#include "cli/commands/build_context.h"
#include "cli/commands/build_flags.h"
#include "cli/commands/build_messages.h"
#include "cli/commands/build_request.h"
#include "cli/commands/common.h"
#include "cli/commands/plan_printer.h"
#include "cli/commands/verbs.h"

namespace loam::cli {

namespace {

Exit Run(Context& context, const Flags& flags) {
  if (flags.positional().size() > 1) {
    return UsageError(context, kExplainCommand, Error(ErrorCode::kInvalidArgument, "one build context at a time"));
  }
  const std::string path = flags.positional().empty() ? "." : flags.positional()[0];
  const Result<BuildContext> files = PrepareBuildContext(context, path, flags.String("file"));
  if (!files) {
    PrintError(context, files.error());
    return Exit::kFailed;
  }
  const Result<BuildRequest> request = MakeBuildRequest(context, flags, *files);
  if (!request) {
    return UsageError(context, kExplainCommand, request.error());
  }
  const auto engine = OpenEngine(context, flags);
  if (!engine) {
    PrintError(context, engine.error());
    return Exit::kFailed;
  }
  engine::Job job = (*engine)->StartJob({.client = request->client,
                                         .progress = std::make_shared<solver::NullProgressSink>(),
                                         .entitlements = request->entitlements,
                                         .title = request->title,
                                         .build_key = request->build_key,
                                         .plan = true});
  gateway::DockerfileBuildReport report;
  const auto planned = gateway::BuildDockerfile(job, *request->client, request->frontend, report, context.stop);
  if (context.stop.stop_requested()) {
    return Exit::kInterrupted;
  }
  PrintDiagnostics(context, report);
  if (planned || !job.Plan() || !job.Plan()->steps.empty()) {
    const Result<> printed = PrintPlan(context, **engine, job, [](const solver::StepReport& step) {
      return step.transient ? std::nullopt : std::optional(step.name);
    });
    if (!printed) {
      PrintError(context, printed.error());
      return Exit::kFailed;
    }
  }
  if (!planned) {
    PrintBuildError(context, planned.error(), *files, report);
    return Exit::kFailed;
  }
  return Exit::kOk;
}

}  // namespace

const Command kExplainCommand = {.name = "explain",
                                 .summary = "say what a build would run, what is cached, and why; builds nothing",
                                 .usage = "loam explain [FLAGS OF BUILD] [PATH | URL | - | +TARGET]",
                                 .flags = kBuildFlags,
                                 .run = Run};

}  // namespace loam::cli
