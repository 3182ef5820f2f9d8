#include "cli/commands/build_call.h"

#include <fmt/format.h>

#include "base/print.h"
#include "base/strings.h"
#include "cli/commands/build_check.h"
#include "cli/commands/common.h"
#include "cli/commands/dockerfile_input.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/describe_report.h"
#include "compiler/driver/outline_report.h"
#include "compiler/driver/targets_report.h"
#include "compiler/sema/unknown_build_host.h"

namespace loam::cli {
namespace {

Error NoSuchCall(std::string_view text) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("`--call={}` is no question about a build", text))
      .WithHint("build, check, outline, targets or subrequests.describe; with `,format=json` as JSON");
}

Result<> TakeCheckFlags(const Flags& flags, Call& call) {
  if (call.method != CallMethod::kCheck) {
    return RefuseCheckFlags(flags);
  }
  call.check = LOAM_TRY(ParseCheckSettings(flags));
  if (call.json && !flags.Has("format")) {
    call.check.format = CheckFormat::kJson;
  }
  return {};
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
    LOAM_TRY(TakeCheckFlags(flags, call));
    return call;
  }
  const std::string text = flags.String("call");
  const auto parts = Split(text, ',');
  if (parts[0] == "check" || parts[0] == "lint") {
    call.method = CallMethod::kCheck;
  } else if (parts[0] == "targets") {
    call.method = CallMethod::kTargets;
  } else if (parts[0] == "outline") {
    call.method = CallMethod::kOutline;
  } else if (parts[0] == "subrequests.describe") {
    call.method = CallMethod::kDescribe;
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
  LOAM_TRY(TakeCheckFlags(flags, call));
  return call;
}

Exit RunCall(const Context& context, const Flags& flags, const Call& call, const BuildContext& files,
             const BuildRequest& request) {
  if (call.method == CallMethod::kDescribe) {
    PrintTo(context.out, "{}", call.json ? driver::DescribeJson() : driver::DescribeText());
    return Exit::kOk;
  }
  const Result<DockerfileInput> input = ReadDockerfileInput(files, request, "`--call`");
  if (!input) {
    return Fail(context, input.error());
  }
  const source::SourceManager& sources = *input->sources;
  const source::Buffer& buffer = *input->buffer;
  driver::CompileOptions options;
  options.dockerfile = input->options;
  options.dockerfile.read_dockerignore = true;
  options.level = passes::OptLevel::kO0;
  options.stop_after = call.method == CallMethod::kTargets ? driver::StopAfter::kAst : driver::StopAfter::kSema;
  options.lint = call.method == CallMethod::kCheck;
  options.all_stages = options.lint && options.dockerfile.target.empty();
  driver::OutlineCollector outline;
  if (call.method == CallMethod::kOutline) {
    // Asked of no platform in particular.
    options.dockerfile.platforms.clear();
    options.parameters = &outline;
  }

  CompilerHost around;
  if (call.method == CallMethod::kTargets) {
    around.host = std::make_unique<sema::UnknownBuildHost>();
  } else if (Result<CompilerHost> made = OpenCompilerHost(context, flags, request); made) {
    around = *std::move(made);
  } else {
    return Fail(context, made.error());
  }
  if (call.method == CallMethod::kCheck) {
    // What came over standard input has no file.
    const std::string path = files.temporary ? "" : files.dockerfile_dir + "/" + files.dockerfile_name;
    return RunCheck(context, call.check, *input, options, *around.host, path);
  }
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const Result<driver::CompileResult> result = driver::Compile(*input->sources, buffer, options, *around.host, emitter);
  if (!result) {
    return Fail(context, result.error());
  }
  if (!result->ok) {
    PrintTo(context.err, "{}", diag::RenderTerminal(consumer.diagnostics(), sources, {.color = context.Colors()}));
    return Exit::kFailed;
  }
  std::string text;
  if (call.method == CallMethod::kTargets) {
    const ast::Dockerfile& file = result->dockerfile;
    text = call.json ? driver::TargetsJson(file, buffer) : driver::TargetsText(file);
  } else {
    const driver::Outline found = outline.Collect();
    text = call.json ? driver::OutlineJson(found, buffer) : driver::OutlineText(found);
  }
  PrintTo(context.out, "{}", text);
  return Exit::kOk;
}

}  // namespace loam::cli
