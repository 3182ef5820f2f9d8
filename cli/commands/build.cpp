// loam build: compiles a Dockerfile and builds it with the engine of this process.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/print.h"
#include "base/strings.h"
#include "cli/build_engine.h"
#include "cli/commands/build_call.h"
#include "cli/commands/build_context.h"
#include "cli/commands/build_flags.h"
#include "cli/commands/build_messages.h"
#include "cli/commands/build_outputs.h"
#include "cli/commands/build_request.h"
#include "cli/commands/common.h"
#include "cli/commands/verbs.h"
#include "cli/progress/display.h"
#include "cli/remote_program.h"
#include "cli/terminal.h"
#include "runtime-executor/solver/op.h"

namespace loam::cli {

namespace {

// A display that outlives the job: the engine may still deliver an event while the job ends.
std::shared_ptr<ProgressDisplay> MakeDisplay(const Context& context, ProgressMode mode) {
  return MakeProgressDisplay(
      {.mode = mode, .out = context.err, .colors = context.Colors(), .clock = &SystemClock(), .title = "Building"});
}

Result<ProgressMode> ModeOf(const Context& context, const Flags& flags) {
  if (flags.Bool("quiet")) {
    return ProgressMode::kQuiet;
  }
  return ParseProgressMode(flags.Has("progress") ? flags.String("progress") : context.Env("BUILDKIT_PROGRESS"));
}

// The image id as `docker build` gives it: the digest of the config, or of the index where there is one.
std::string ImageId(const std::map<std::string, std::string>& response) {
  for (const char* const key : {"containerimage.config.digest", "containerimage.digest"}) {
    if (const auto found = response.find(key); found != response.end()) {
      return found->second;
    }
  }
  return {};
}

Result<> WriteFiles(const Flags& flags, const std::map<std::string, std::string>& response) {
  if (flags.Has("iidfile")) {
    LOAM_TRY(WriteFileAtomic(flags.String("iidfile"), ImageId(response)));
  }
  if (flags.Has("metadata-file")) {
    nlohmann::ordered_json metadata = nlohmann::ordered_json::object();
    for (const auto& [key, value] : response) {
      // Descriptors come as base64 of JSON; buildx shows them as objects under the same key.
      metadata[key] = value;
    }
    LOAM_TRY(WriteFileAtomic(flags.String("metadata-file"), metadata.dump(2) + "\n"));
  }
  return {};
}

void PrintSummary(const Context& context, const Flags& flags, const BuildOutputs& outputs, const BuildOutcome& outcome,
                  ProgressMode mode) {
  if (flags.Bool("quiet")) {
    PrintTo(context.out, "{}\n", ImageId(outcome.response));
    return;
  }
  if (mode == ProgressMode::kRawJson || mode == ProgressMode::kQuiet) {
    return;
  }
  if (outputs.exports.empty()) {
    PrintTo(context.err,
            "\nno output was asked for: the result is in the build cache only (-t NAME keeps an image, -o DIR "
            "writes the files)\n");
  }
}

struct Prepared {
  BuildContext files;
  BuildOutputs outputs;
  BuildRequest request;
  ProgressMode mode;
};

Result<Prepared> Prepare(const Context& context, const Flags& flags) {
  if (flags.positional().size() > 1) {
    return Unexpected(
        ErrorCode::kInvalidArgument,
        fmt::format("one build context, not {}: {}", flags.positional().size(), Join(flags.positional(), " ")));
  }
  for (const char* const flag : {"iidfile", "metadata-file"}) {
    if (flags.Has(flag)) {
      LOAM_TRY(CheckFileToWrite(fmt::format("--{}={}", flag, flags.String(flag)), flags.String(flag)));
    }
  }
  Prepared prepared;
  prepared.mode = LOAM_TRY(ModeOf(context, flags));
  const bool wants_image = flags.Has("iidfile") || flags.Has("metadata-file") || flags.Bool("quiet");
  prepared.outputs = LOAM_TRY(ParseBuildOutputs(context, flags, wants_image));
  return prepared;
}

Exit Finish(const Context& context, const Flags& flags, Prepared& prepared, const Result<BuildOutcome>& outcome,
            ProgressDisplay& display, const gateway::DockerfileBuildReport& report) {
  const auto* const failed = outcome ? nullptr : outcome.error().Detail<solver::VertexErrorDetail>();
  display.Finish(outcome.has_value(), failed == nullptr ? Digest() : failed->digest);
  if (context.stop.stop_requested() && !outcome) {
    PrintTo(context.err, "interrupted\n");
    return Exit::kInterrupted;
  }
  PrintDiagnostics(context, report);
  if (prepared.mode != ProgressMode::kQuiet && prepared.mode != ProgressMode::kRawJson) {
    PrintWarnings(context, report);
  }
  if (!outcome) {
    PrintBuildError(context, outcome.error(), prepared.files, report);
    return Exit::kFailed;
  }
  const Result<> written = WriteFiles(flags, outcome->response);
  if (!written) {
    PrintError(context, written.error());
    return context.stop.stop_requested() ? Exit::kInterrupted : Exit::kFailed;
  }
  PrintSummary(context, flags, prepared.outputs, *outcome, prepared.mode);
  return Exit::kOk;
}

Exit Run(Context& context, const Flags& flags) {
  const Result<Call> call = ParseCall(flags);
  if (!call) {
    return UsageError(context, kBuildCommand, call.error());
  }
  const std::vector<std::string> engines = EnginesOf(context, flags);
  if (!engines.empty() && !context.remote_engine && call->method == CallMethod::kBuild) {
    return BecomeRemoteProgram(context);
  }
  Result<Prepared> prepared = Prepare(context, flags);
  if (!prepared) {
    return UsageError(context, kBuildCommand, prepared.error());
  }
  const std::string path = flags.positional().empty() ? "." : flags.positional()[0];
  Result<BuildContext> files = PrepareBuildContext(context, path, flags.String("file"));
  if (!files) {
    PrintError(context, files.error());
    return Exit::kFailed;
  }
  prepared->files = std::move(*files);
  Result<BuildRequest> request = MakeBuildRequest(context, flags, prepared->files);
  if (!request) {
    return UsageError(context, kBuildCommand, request.error());
  }
  prepared->request = std::move(*request);
  if (call->method != CallMethod::kBuild) {
    return RunCall(context, flags, *call, prepared->files, prepared->request);
  }
  prepared->request.exports = prepared->outputs.exports;

  std::unique_ptr<engine::Engine> here;
  std::unique_ptr<BuildEngine> builder;
  if (engines.empty()) {
    Result<std::unique_ptr<engine::Engine>> opened = OpenEngine(context, flags);
    if (!opened) {
      PrintError(context, opened.error());
      return Exit::kFailed;
    }
    here = std::move(*opened);
    builder = MakeLocalBuildEngine(*here);
    const std::string snapshotter = here->DescribeSnapshotter();
    if (snapshotter.starts_with("native") && prepared->mode != ProgressMode::kRawJson &&
        prepared->mode != ProgressMode::kQuiet) {
      PrintTo(context.err, "note: filesystems are copied, which is slow: {}\n", snapshotter);
    }
  } else {
    Result<std::unique_ptr<BuildEngine>> remote = context.remote_engine(engines, flags);
    if (!remote) {
      return UsageError(context, kBuildCommand, remote.error());
    }
    builder = std::move(*remote);
  }
  const std::shared_ptr<ProgressDisplay> display = MakeDisplay(context, prepared->mode);
  gateway::DockerfileBuildReport report;
  std::shared_ptr<ops::TerminalLender> terminal;
  if (flags.Bool("interactive") || flags.Bool("debug")) {
    terminal = MakeTerminalLender(context, display);
    if (terminal == nullptr) {
      return UsageError(context, kBuildCommand,
                        Error(ErrorCode::kInvalidArgument,
                              "--interactive needs a terminal: standard input and standard error must be one"));
    }
    prepared->request.on_failure = [&](const RunInFailedStep& run) { OpenShellInFailedStep(context, run, *terminal); };
  }
  const Result<BuildOutcome> outcome = builder->Build(prepared->request, display, report, context.stop);
  return Finish(context, flags, *prepared, outcome, *display, report);
}

}  // namespace

const Command kBuildCommand = {.name = "build",
                               .summary = "build an image or files from a Dockerfile, or a target of an Earthfile",
                               .usage =
                                   "loam build [FLAGS] [PATH | URL | -]\n       loam build [FLAGS] +TARGET "
                                   "[--ARG=VALUE…]   (of an Earthfile; its flags: `loam earthly --help`)",
                               .flags = kBuildFlags,
                               .run = Run};

}  // namespace loam::cli
