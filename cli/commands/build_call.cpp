#include "cli/commands/build_call.h"

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/strings.h"
#include "cli/commands/common.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/check_report.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/targets_report.h"
#include "compiler/sema/unknown_build_host.h"
#include "runtime-executor/gateway/build_host.h"

namespace loam::cli {
namespace {

Error NoSuchCall(std::string_view text) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("`--call={}` is no question about a build", text))
      .WithHint("build, check or targets; with `,format=json` as JSON");
}

// Asks the engine about base images.
struct Surroundings {
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<engine::Job> job;
  std::unique_ptr<sema::BuildHost> host;
};

Result<Surroundings> OpenHost(const Context& context, const Flags& flags, const BuildRequest& request) {
  Surroundings around;
  around.engine = LOAM_TRY(OpenEngine(context, flags));
  around.job =
      std::make_unique<engine::Job>(around.engine->StartJob({.client = request.client,
                                                             .progress = std::make_shared<solver::NullProgressSink>(),
                                                             .entitlements = {},
                                                             .title = request.title,
                                                             .build_key = request.build_key}));
  around.host = gateway::MakeBuildHost(*around.job, *request.client, request.frontend, context.stop);
  return around;
}

Exit Fail(const Context& context, const Error& error) {
  PrintError(context, error);
  return context.stop.stop_requested() ? Exit::kInterrupted : Exit::kFailed;
}

}  // namespace

Result<Call> ParseCall(const Flags& flags) {
  Call call;
  if (flags.Bool("check")) {
    call.method = CallMethod::kCheck;
  }
  if (!flags.Has("call")) {
    return call;
  }
  const std::string text = flags.String("call");
  const auto parts = Split(text, ',');
  if (parts[0] == "check" || parts[0] == "lint") {
    call.method = CallMethod::kCheck;
  } else if (parts[0] == "targets") {
    call.method = CallMethod::kTargets;
  } else if (parts[0] != "build") {
    return Unexpected(NoSuchCall(text));
  } else if (flags.Bool("check")) {
    return Unexpected(ErrorCode::kInvalidArgument, "`--check` and `--call=build` exclude each other");
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i] == "format=json") {
      call.json = true;
    } else if (parts[i] != "format=text") {
      return Unexpected(NoSuchCall(text));
    }
  }
  return call;
}

Exit RunCall(const Context& context, const Flags& flags, const Call& call, const BuildContext& files,
             const BuildRequest& request) {
  if (!files.remote_url.empty()) {
    return Fail(context,
                Error(ErrorCode::kUnimplemented, "`--call` does not fetch remote contexts; give it a directory"));
  }
  source::SourceManager sources;
  Result<std::string> text = ReadFile(files.dockerfile_dir + "/" + files.dockerfile_name);
  if (!text) {
    return Fail(context, text.error());
  }
  const Result<const source::Buffer*> buffer = sources.AddText(files.display_name, *std::move(text));
  if (!buffer) {
    return Fail(context, buffer.error());
  }
  driver::CompileOptions options;
  if (Result<sema::DockerfileOptions> dockerfile = sema::ParseFrontendOptions(request.frontend.options); dockerfile) {
    options.dockerfile = *std::move(dockerfile);
  } else {
    return Fail(context, dockerfile.error());
  }
  options.dockerfile.file_name = files.dockerfile_name;
  options.dockerfile.read_dockerignore = true;
  options.level = passes::OptLevel::kO0;
  options.stop_after = call.method == CallMethod::kTargets ? driver::StopAfter::kAst : driver::StopAfter::kSema;
  options.lint = call.method == CallMethod::kCheck;
  options.all_stages = options.dockerfile.target.empty();

  Surroundings around;
  if (call.method == CallMethod::kTargets) {
    around.host = std::make_unique<sema::UnknownBuildHost>();
  } else if (Result<Surroundings> made = OpenHost(context, flags, request); made) {
    around = *std::move(made);
  } else {
    return Fail(context, made.error());
  }
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const Result<driver::CompileResult> result = driver::Compile(sources, **buffer, options, *around.host, emitter);
  if (!result) {
    return Fail(context, result.error());
  }
  if (call.method == CallMethod::kTargets) {
    if (!result->ok) {
      fmt::print(context.err, "{}", diag::RenderTerminal(consumer.diagnostics(), sources, {.color = context.Colors()}));
      return Exit::kFailed;
    }
    const ast::Dockerfile& file = result->dockerfile;
    fmt::print(context.out, "{}", call.json ? driver::TargetsJson(file, **buffer) : driver::TargetsText(file));
    return Exit::kOk;
  }
  const driver::CheckReport report{result->warnings, consumer.diagnostics(), **buffer};
  fmt::print(context.out, "{}", call.json ? driver::CheckJson(report) : driver::CheckText(report));
  if (!call.json && !result->ok) {
    fmt::print(context.err, "{}", diag::RenderTerminal(consumer.diagnostics(), sources, {.color = context.Colors()}));
  }
  return result->ok && result->warnings.empty() ? Exit::kOk : Exit::kFailed;
}

}  // namespace loam::cli
