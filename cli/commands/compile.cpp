// loam compile: what the compiler makes of a Dockerfile, stage by stage.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/strings.h"
#include "cli/commands/build_context.h"
#include "cli/commands/build_flags.h"
#include "cli/commands/build_messages.h"
#include "cli/commands/build_request.h"
#include "cli/commands/common.h"
#include "cli/commands/dockerfile_input.h"
#include "cli/commands/verbs.h"
#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/ast/dockerfile/print.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/plain_dockerfile.h"
#include "compiler/ir/text.h"
#include "compiler/parse/parse.h"
#include "compiler/sema/unknown_build_host.h"
#include "compiler/syntax/tree.h"
#include "llb-emit/print.h"
#include "llb-emit/read.h"

namespace loam::cli {

namespace {

enum class Emit : std::uint8_t {
  kTokens,
  kTree,
  kAst,
  kAstJson,
  kIr,
  kLlb,
  kLlbJson,
  kLlbText,
  kDot,
  kDigests,
  kImageConfig,
  kDockerfile
};

constexpr std::pair<std::string_view, Emit> kEmits[] = {
    {"tokens", Emit::kTokens},
    {"tree", Emit::kTree},
    {"ast", Emit::kAst},
    {"ast-json", Emit::kAstJson},
    {"ir", Emit::kIr},
    {"llb", Emit::kLlb},
    {"llb-json", Emit::kLlbJson},
    {"llb-text", Emit::kLlbText},
    {"dot", Emit::kDot},
    {"digests", Emit::kDigests},
    {"image-config", Emit::kImageConfig},
    {"dockerfile", Emit::kDockerfile},
};

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

std::optional<Emit> ParseEmit(const std::string& text) {
  for (const auto& [name, emit] : kEmits) {
    if (name == text) {
      return emit;
    }
  }
  return std::nullopt;
}

driver::StopAfter StopAfterOf(Emit emit, bool pin) {
  switch (emit) {
    case Emit::kDockerfile:
      return pin ? driver::StopAfter::kSema : driver::StopAfter::kAst;
    case Emit::kTokens:
    case Emit::kTree:
    case Emit::kAst:
    case Emit::kAstJson:
      return driver::StopAfter::kAst;
    case Emit::kIr:
      return driver::StopAfter::kPasses;
    case Emit::kLlb:
    case Emit::kLlbJson:
    case Emit::kLlbText:
    case Emit::kDot:
    case Emit::kDigests:
    case Emit::kImageConfig:
      return driver::StopAfter::kEmission;
  }
  LOAM_UNREACHABLE("emit");
}

// The tree of a file that need not be valid: printed whatever is wrong with it.
std::string PrintFront(Emit emit, const source::Buffer& buffer) {
  diag::CollectingConsumer unused;
  diag::Emitter emitter(unused);
  parse::ParseResult parsed = parse::ParseDockerfile(buffer, emitter);
  if (emit == Emit::kTokens) {
    return syntax::PrintTokens(*parsed.tree);
  }
  if (emit == Emit::kTree) {
    return syntax::PrintTree(*parsed.tree);
  }
  const ast::Dockerfile dockerfile = ast::BuildDockerfile(std::move(parsed.tree), buffer, emitter);
  return emit == Emit::kAst ? ast::PrintText(dockerfile, buffer) : ast::PrintJson(dockerfile, buffer);
}

Result<std::string> PrintPlatform(Emit emit, const driver::CompiledPlatform& platform) {
  if (emit == Emit::kLlb) {
    return platform.definition.bytes;
  }
  if (emit == Emit::kImageConfig) {
    const nlohmann::ordered_json config = nlohmann::ordered_json::parse(platform.image_config, nullptr, false);
    return config.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  const llb::Graph graph = LOAM_TRY(llb::ReadDefinition(platform.definition.bytes));
  switch (emit) {
    case Emit::kLlbJson:
      return llb::PrintJson(graph);
    case Emit::kDot:
      return llb::PrintDot(graph);
    case Emit::kDigests:
      return llb::PrintDigests(graph);
    case Emit::kTokens:
    case Emit::kTree:
    case Emit::kAst:
    case Emit::kAstJson:
    case Emit::kIr:
    case Emit::kLlb:
    case Emit::kImageConfig:
    case Emit::kDockerfile:
    case Emit::kLlbText:
      return llb::PrintText(graph);
  }
  LOAM_UNREACHABLE("emit");
}

void PrintDiagnosticsAs(const Context& context, const std::string& format, const source::SourceManager& sources,
                        const std::vector<diag::Diagnostic>& diagnostics) {
  if (format == "json") {
    fmt::print(context.out, "{}", diag::RenderJson(diagnostics, sources));
  } else if (format == "sarif") {
    fmt::print(context.out, "{}", diag::RenderSarif(diagnostics, sources, LOAM_VERSION));
  } else {
    fmt::print(context.err, "{}", diag::RenderTerminal(diagnostics, sources, {.color = context.Colors()}));
  }
}

Exit Fail(const Context& context, const Error& error) {
  PrintError(context, error);
  return context.stop.stop_requested() ? Exit::kInterrupted : Exit::kFailed;
}

Exit PrintResult(const Context& context, const Flags& flags, Emit emit, const driver::CompileResult& result) {
  if (flags.Bool("explain-passes")) {
    fmt::print(context.err, "{}", passes::ExplainPasses(result.pass_reports));
  }
  if (emit == Emit::kIr) {
    fmt::print(context.out, "{}", ir::PrintModule(result.module));
    return Exit::kOk;
  }
  for (const driver::CompiledPlatform& platform : result.platforms) {
    const Result<std::string> text = PrintPlatform(emit, platform);
    if (!text) {
      return Fail(context, text.error());
    }
    if (result.platforms.size() > 1 && emit != Emit::kLlb) {
      fmt::print(context.out, "# {}\n", platform.platform);
    }
    std::fwrite(text->data(), 1, text->size(), context.out);
  }
  return Exit::kOk;
}

Exit Run(Context& context, const Flags& flags) {
  const std::optional<Emit> emit = ParseEmit(flags.Has("emit") ? flags.String("emit") : "llb-text");
  if (!emit) {
    return UsageError(
        context, kCompileCommand,
        Error(ErrorCode::kInvalidArgument, fmt::format("`--emit={}` is no stage", flags.String("emit")))
            .WithHint("tokens, tree, ast, ast-json, ir, llb, llb-json, llb-text, dot, digests, image-config, dockerfile"));
  }
  const bool pin = flags.Bool("pin");
  if (pin && *emit != Emit::kDockerfile) {
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
      .stop_after = StopAfterOf(*emit, pin)};
  if (pin) {
    options.parameters = &pins;
    // Without a target every stage is pinned, whether the last one needs it or not.
    options.all_stages = options.dockerfile.target.empty();
  }

  const bool front_only = options.stop_after == driver::StopAfter::kAst;
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
  if (front_only && format == "text" && *emit != Emit::kDockerfile) {
    fmt::print(context.out, "{}", PrintFront(*emit, buffer));
  }
  if (!result->ok) {
    return Exit::kFailed;
  }
  if (*emit == Emit::kDockerfile && format == "text") {
    fmt::print(context.out, "{}", driver::PlainDockerfile(result->dockerfile, buffer, pins.pins()));
    return Exit::kOk;
  }
  return front_only || format != "text" ? Exit::kOk : PrintResult(context, flags, *emit, *result);
}

}  // namespace

const Command kCompileCommand = {.name = "compile",
                                 .summary = "show what the compiler makes of a Dockerfile",
                                 .usage = "loam compile [FLAGS] [PATH]",
                                 .flags = kFlags,
                                 .run = Run};

}  // namespace loam::cli
