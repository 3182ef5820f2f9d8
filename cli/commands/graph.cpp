// loam graph: draws the build of a Dockerfile, with the times of the last build if asked for.
#include <map>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/print.h"
#include "cli/commands/build_context.h"
#include "cli/commands/build_flags.h"
#include "cli/commands/build_request.h"
#include "cli/commands/common.h"
#include "cli/commands/dockerfile_input.h"
#include "cli/commands/verbs.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/build_graph.h"
#include "compiler/driver/compile.h"
#include "compiler/sema/unknown_build_host.h"

namespace loam::cli {

namespace {

enum class Format : std::uint8_t { kSvg, kDot, kMermaid };

constexpr std::size_t kSearchedBuilds = 50;

constexpr Flag kFlags[] = {
    kBuildArgFlag,
    kBuildContextFlag,
    kFileFlag,
    {.name = "format",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "FORMAT",
     .help = "svg, dot (Graphviz) or mermaid (default: by the name of the output, else svg)",
     .completion = "svg|dot|mermaid"},
    kImagesFlag,
    kOptimizeFlag,
    {.name = "output",
     .short_name = 'o',
     .kind = FlagKind::kString,
     .value_name = "FILE",
     .help = "write the picture there (default standard output)",
     .completion = "file"},
    kPlatformFlag,
    kTargetFlag,
    {.name = "timing",
     .short_name = 0,
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "show how long each step took in the last build, and what was cached"},
    kRootFlag,
};

// Answers what the other host cannot, so that a picture needs no registry: an image with one layer and no settings.
class DrawingHost : public sema::UnknownBuildHost {
 public:
  // `other` may be null.
  explicit DrawingHost(sema::BuildHost* other) : other_(other) {}

  [[nodiscard]] bool AnswersAtOnce() const override { return other_ == nullptr || other_->AnswersAtOnce(); }
  Result<sema::ImageMetadata> ResolveImage(const sema::ImageQuery& query) override {
    if (other_ != nullptr) {
      if (Result<sema::ImageMetadata> answer = other_->ResolveImage(query)) {
        return answer;
      }
    }
    return sema::ImageMetadata{
        std::string(query.ref),
        {},
        fmt::format(R"({{"os":"{}","architecture":"{}","config":{{}},"rootfs":{{"type":"layers",)"
                    R"("diff_ids":["sha256:{:0>64}"]}}}})",
                    query.platform.os, query.platform.architecture, 0)};
  }
  Result<std::optional<std::int64_t>> SourceTime(ir::Graph& graph, ir::Value source) override {
    return other_ != nullptr ? other_->SourceTime(graph, source) : UnknownBuildHost::SourceTime(graph, source);
  }
  Result<std::string> ReadContextFile(std::string_view name, std::string_view path) override {
    return other_ != nullptr ? other_->ReadContextFile(name, path) : UnknownBuildHost::ReadContextFile(name, path);
  }
  Result<std::string> ReadDockerfileNeighbour(std::string_view path) override {
    return other_ != nullptr ? other_->ReadDockerfileNeighbour(path) : UnknownBuildHost::ReadDockerfileNeighbour(path);
  }

 private:
  sema::BuildHost* other_;
};

Result<Format> ParseFormat(const Flags& flags) {
  if (flags.Has("format")) {
    const std::string name = flags.String("format");
    if (name == "svg") {
      return Format::kSvg;
    }
    if (name == "dot") {
      return Format::kDot;
    }
    if (name == "mermaid") {
      return Format::kMermaid;
    }
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`--format={}`: expected svg, dot or mermaid", name));
  }
  const std::string file = flags.String("output");
  if (file.ends_with(".dot") || file.ends_with(".gv")) {
    return Format::kDot;
  }
  return file.ends_with(".mmd") || file.ends_with(".mermaid") ? Format::kMermaid : Format::kSvg;
}

driver::StepTiming TimingOf(const solver::StepReport& step) {
  using Outcome = solver::StepReport::Outcome;
  driver::StepTiming timing;
  if (step.started && step.completed) {
    timing.seconds = std::chrono::duration<double>(*step.completed - *step.started).count();
  }
  switch (step.outcome) {
    case Outcome::kCached:
      timing.state = driver::StepTiming::State::kCached;
      break;
    case Outcome::kRan:
      timing.state = driver::StepTiming::State::kRan;
      break;
    case Outcome::kFailed:
      timing.state = driver::StepTiming::State::kFailed;
      break;
    case Outcome::kCanceled:
    case Outcome::kNotReached:
      timing.state = driver::StepTiming::State::kNotReached;
      break;
  }
  return timing;
}

// "[1/2] FROM alpine:3.20" of the same with its digest: tags move between builds.
std::string WithoutDigest(const std::string& name) {
  return name.substr(0, name.find("@sha256:"));
}

Result<> AddTimings(const engine::Engine& engine, const BuildRequest& request, driver::BuildGraph& graph) {
  const std::vector<engine::BuildRecord> builds = LOAM_TRY(engine.Builds(kSearchedBuilds));
  const engine::BuildRecord* last = nullptr;
  for (const engine::BuildRecord& build : builds) {
    if (build.build_key == request.build_key) {
      last = &build;
      break;
    }
  }
  if (last == nullptr) {
    return Unexpected(Error(ErrorCode::kNotFound, "no build of this directory, Dockerfile and target is recorded")
                          .WithHint("run `loam build` first, with the same path, -f and --target"));
  }
  std::map<std::string, const solver::StepReport*> by_digest;
  std::map<std::string, const solver::StepReport*> by_name;
  for (const solver::StepReport& step : last->steps) {
    by_digest[step.vertex.ToString()] = &step;
    by_name[WithoutDigest(step.name)] = &step;
  }
  std::size_t steps = 0;
  std::size_t cached = 0;
  for (driver::GraphNode& node : graph.nodes) {
    if (node.kind == driver::GraphNode::Kind::kResult) {
      continue;
    }
    const solver::StepReport* step = nullptr;
    if (const auto found = by_digest.find(node.digest); found != by_digest.end()) {
      step = found->second;
    } else if (const auto named = by_name.find(WithoutDigest(node.name)); named != by_name.end()) {
      step = named->second;
    }
    if (step == nullptr) {
      continue;
    }
    node.timing = TimingOf(*step);
    ++steps;
    cached += node.timing->state == driver::StepTiming::State::kCached ? 1 : 0;
  }
  const driver::StepTiming whole{driver::StepTiming::State::kRan,
                                 std::chrono::duration<double>(last->completed - last->started).count()};
  graph.summary = fmt::format("last build: {}, {} of {} steps cached{}", driver::TimingText(whole), cached, steps,
                              last->error.empty() ? "" : "; it failed");
  return {};
}

std::string Draw(Format format, const driver::BuildGraph& graph) {
  switch (format) {
    case Format::kSvg:
      return driver::GraphSvg(graph);
    case Format::kDot:
      return driver::GraphDot(graph);
    case Format::kMermaid:
      return driver::GraphMermaid(graph);
  }
  return {};
}

Exit Fail(const Context& context, const Error& error) {
  PrintError(context, error);
  return context.stop.stop_requested() ? Exit::kInterrupted : Exit::kFailed;
}

Exit Run(Context& context, const Flags& flags) {
  const Result<Format> format = ParseFormat(flags);
  if (!format) {
    return UsageError(context, kGraphCommand, format.error());
  }
  if (flags.positional().size() > 1) {
    return UsageError(context, kGraphCommand, Error(ErrorCode::kInvalidArgument, "one build context at most"));
  }
  const Result<BuildContext> files =
      PrepareBuildContext(context, flags.positional().empty() ? "." : flags.positional()[0], flags.String("file"));
  if (!files) {
    return Fail(context, files.error());
  }
  const Result<BuildRequest> request = MakeBuildRequest(context, flags, *files);
  if (!request) {
    return UsageError(context, kGraphCommand, request.error());
  }
  const Result<DockerfileInput> input = ReadDockerfileInput(*files, *request, "`loam graph`");
  if (!input) {
    return Fail(context, input.error());
  }
  if (input->options.platforms.size() > 1) {
    return UsageError(context, kGraphCommand, Error(ErrorCode::kInvalidArgument, "a picture shows one platform"));
  }

  CompilerHost around;
  if (flags.Bool("timing") || flags.Has("images")) {
    Result<CompilerHost> made = OpenCompilerHost(context, flags, *request);
    if (!made) {
      return Fail(context, made.error());
    }
    around = *std::move(made);
  }
  DrawingHost host(around.host.get());
  driver::CompileOptions options;
  options.dockerfile = input->options;
  options.dockerfile.read_dockerignore = around.engine != nullptr;
  options.level = request->frontend.optimization_level == 0 ? passes::OptLevel::kO0 : passes::OptLevel::kO1;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const Result<driver::CompileResult> result = driver::Compile(*input->sources, *input->buffer, options, host, emitter);
  if (!result) {
    return Fail(context, result.error());
  }
  if (!result->ok) {
    PrintTo(context.err, "{}",
            diag::RenderTerminal(consumer.diagnostics(), *input->sources, {.color = context.Colors()}));
    return Exit::kFailed;
  }
  const Result<llb::Graph> llb = llb::ReadDefinition(result->platforms.at(0).definition.bytes);
  if (!llb) {
    return Fail(context, llb.error());
  }
  driver::BuildGraph graph = driver::MakeBuildGraph(*llb);
  graph.title = request->title;
  if (flags.Bool("timing")) {
    if (around.engine == nullptr) {
      Result<std::unique_ptr<engine::Engine>> opened = OpenEngine(context, flags);
      if (!opened) {
        return Fail(context, opened.error());
      }
      around.engine = *std::move(opened);
    }
    if (const Result<> added = AddTimings(*around.engine, *request, graph); !added) {
      return Fail(context, added.error());
    }
  }
  const std::string text = Draw(*format, graph);
  const std::string output = flags.String("output");
  if (output.empty() || output == "-") {
    std::fwrite(text.data(), 1, text.size(), context.out);
    return Exit::kOk;
  }
  if (const Result<> written = WriteFileAtomic(output, text); !written) {
    return Fail(context, written.error());
  }
  return Exit::kOk;
}

}  // namespace

const Command kGraphCommand = {.name = "graph",
                               .summary = "draw the build of a Dockerfile",
                               .usage = "loam graph [FLAGS] [PATH]",
                               .flags = kFlags,
                               .run = Run};

}  // namespace loam::cli
