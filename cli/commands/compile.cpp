// loam compile: what the compiler makes of a Dockerfile, stage by stage, or of the text of an Earthfile.
#include <fmt/format.h>

#include "base/print.h"
#include "cli/commands/build_context.h"
#include "cli/commands/build_flags.h"
#include "cli/commands/build_messages.h"
#include "cli/commands/build_request.h"
#include "cli/commands/common.h"
#include "cli/commands/dockerfile_input.h"
#include "cli/commands/verbs.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/earthfile/front.h"
#include "compiler/driver/emit.h"
#include "compiler/driver/plain_dockerfile.h"
#include "compiler/sema/unknown_build_host.h"

namespace loam::cli {

namespace {

constexpr Flag kFlags[] = {
    {.name = "emit",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "STAGE",
     .help = "tokens, tree, ast, ast-json, ir, llb (protobuf), llb-json, llb-text, dot, digests, image-config, "
             "dockerfile (printed back in plain form) (default llb-text)",
     .completion = "tokens|tree|ast|ast-json|ir|llb|llb-json|llb-text|dot|digests|image-config|dockerfile"},
    {.name = "explain-passes",
     .short_name = 0,
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "say on standard error what each pass changed"},
    kImagesFlag,
    {.name = "pin",
     .short_name = 0,
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "with --emit=dockerfile: write the digests of the images into FROM, COPY --from and mounts"},
    {.name = "diagnostics",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "FORMAT",
     .help =
         "text, json or sarif (default text, on standard error; the others on standard output instead of the stage)",
     .completion = "text|json|sarif"},
    kFileFlag,
    kBuildArgFlag,
    kBuildContextFlag,
    kLabelFlag,
    kOptimizeFlag,
    kPlatformFlag,
    kTargetFlag,
    kRootFlag,
};

void PrintDiagnosticsAs(const Context& context, const std::string& format, const source::SourceManager& sources,
                        const std::vector<diag::Diagnostic>& diagnostics) {
  if (format == "json") {
    PrintTo(context.out, "{}", diag::RenderJson(diagnostics, sources));
  } else if (format == "sarif") {
    PrintTo(context.out, "{}", diag::RenderSarif(diagnostics, sources, LOAM_VERSION));
  } else {
    PrintTo(context.err, "{}", diag::RenderTerminal(diagnostics, sources, {.color = context.Colors()}));
  }
}

Exit Fail(const Context& context, const Error& error) {
  PrintError(context, error);
  return context.stop.stop_requested() ? Exit::kInterrupted : Exit::kFailed;
}

// The front of an Earthfile. Its later stages belong to a whole project, and are made by `loam build`.
Exit RunEarthfile(const Context& context, const std::string& path, driver::EmitKind emit, const std::string& format) {
  using driver::earthfile::FrontStage;
  FrontStage stage{};
  if (emit == driver::EmitKind::kTokens) {
    stage = FrontStage::kTokens;
  } else if (emit == driver::EmitKind::kTree) {
    stage = FrontStage::kTree;
  } else if (emit == driver::EmitKind::kAst) {
    stage = FrontStage::kAst;
  } else if (emit == driver::EmitKind::kAstJson) {
    stage = FrontStage::kAstSourceMap;
  } else {
    return UsageError(context, kCompileCommand,
                      Error(ErrorCode::kInvalidArgument, "an Earthfile has no such stage by itself")
                          .WithHint("--emit=tokens, tree, ast, or ast-json (with source locations)"));
  }
  source::SourceManager sources;
  const auto buffer = sources.LoadFile(path);
  if (!buffer) {
    return Fail(context, buffer.error());
  }
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const std::string text = driver::earthfile::PrintFront(stage, **buffer, emitter);
  std::vector<diag::Diagnostic> diagnostics = consumer.Take();
  diag::SortByPosition(diagnostics);
  PrintDiagnosticsAs(context, format, sources, diagnostics);
  if (format == "text") {
    std::fwrite(text.data(), 1, text.size(), context.out);
  }
  return emitter.has_errors() ? Exit::kFailed : Exit::kOk;
}

Exit Run(Context& context, const Flags& flags) {
  const auto emit = driver::ParseEmitKind(flags.Has("emit") ? flags.String("emit") : "llb-text");
  if (!emit) {
    return UsageError(context, kCompileCommand,
                      Error(ErrorCode::kInvalidArgument, fmt::format("`--emit={}` is no stage", flags.String("emit")))
                          .WithHint(std::string(driver::EmitKindNames())));
  }
  const bool pin = flags.Bool("pin");
  if (pin && *emit != driver::EmitKind::kDockerfile) {
    return UsageError(context, kCompileCommand,
                      Error(ErrorCode::kInvalidArgument, "`--pin` is for `--emit=dockerfile`"));
  }
  const std::string format = flags.Has("diagnostics") ? flags.String("diagnostics") : "text";
  if (format != "text" && format != "json" && format != "sarif") {
    return UsageError(
        context, kCompileCommand,
        Error(ErrorCode::kInvalidArgument, fmt::format("`--diagnostics={}`: expected text, json or sarif", format)));
  }
  if (flags.positional().size() > 1) {
    return UsageError(context, kCompileCommand, Error(ErrorCode::kInvalidArgument, "one build context at most"));
  }
  // `-f path/Earthfile`, or the file itself in place of a build context.
  const std::string named = flags.Has("file")            ? flags.String("file")
                            : flags.positional().empty() ? std::string()
                                                         : flags.positional()[0];
  if (driver::earthfile::IsEarthfileName(named)) {
    return RunEarthfile(context, named, *emit, format);
  }
  const Result<BuildContext> files =
      PrepareBuildContext(context, flags.positional().empty() ? "." : flags.positional()[0], flags.String("file"));
  if (!files) {
    return Fail(context, files.error());
  }
  const Result<BuildRequest> request = MakeBuildRequest(context, flags, *files);
  if (!request) {
    return UsageError(context, kCompileCommand, request.error());
  }

  const Result<DockerfileInput> input = ReadDockerfileInput(*files, *request, "`loam compile`");
  if (!input) {
    return Fail(context, input.error());
  }
  const source::Buffer& buffer = *input->buffer;
  sema::DockerfileOptions dockerfile_options = input->options;
  dockerfile_options.read_dockerignore = !flags.Has("images");
  driver::PinCollector pins(buffer.id());
  driver::CompileOptions options{
      .dockerfile = std::move(dockerfile_options),
      .level = request->frontend.optimization_level == 0 ? passes::OptLevel::kO0 : passes::OptLevel::kO1,
      .stop_after = pin ? driver::StopAfter::kSema : driver::StageFor(*emit)};
  if (pin) {
    options.parameters = &pins;
    // Without a target every stage is pinned, whether the last one needs it or not.
    options.all_stages = options.dockerfile.target.empty();
  }

  const bool front_only = options.stop_after <= driver::StopAfter::kAst;
  CompilerHost around;
  if (front_only) {
    around.host = std::make_unique<sema::UnknownBuildHost>();
  } else if (Result<CompilerHost> made = OpenCompilerHost(context, flags, *request); made) {
    around = *std::move(made);
  } else {
    return Fail(context, made.error());
  }
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const Result<driver::CompileResult> result = driver::Compile(*input->sources, buffer, options, *around.host, emitter);
  PrintDiagnosticsAs(context, format, *input->sources, consumer.diagnostics());
  if (!result) {
    return Fail(context, result.error());
  }
  if (flags.Bool("explain-passes") && result->ok) {
    PrintTo(context.err, "{}", passes::ExplainPasses(result->pass_reports));
  }
  if (format == "text" && (result->ok || driver::IsOfTheFile(*emit))) {
    const Result<std::string> text = driver::EmitText(*emit, *result, buffer, {}, pins.pins());
    if (!text) {
      return Fail(context, text.error());
    }
    std::fwrite(text->data(), 1, text->size(), context.out);
  }
  return result->ok ? Exit::kOk : Exit::kFailed;
}

}  // namespace

const Command kCompileCommand = {.name = "compile",
                                 .summary = "show what the compiler makes of a Dockerfile",
                                 .usage = "loam compile [FLAGS] [PATH]",
                                 .flags = kFlags,
                                 .run = Run};

}  // namespace loam::cli
