#include "frontend/earthfile_build.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "base/platform.h"
#include "base/strings.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/earthfile/compile.h"
#include "compiler/sema/earthfile/project.h"
#include "frontend/build_result.h"
#include "frontend/earthfile_effects.h"
#include "frontend/gateway_build_host.h"
#include "frontend/project_files.h"
#include "llb-emit/import.h"

namespace loam::frontend {
namespace {

using driver::earthfile::CompiledArtifact;
using driver::earthfile::CompiledImage;
using driver::earthfile::CompileResult;
using sema::earthfile::Gate;

// Of the language that Earthfiles are written in.
constexpr std::string_view kLanguageVersion = "v0.8.16";
constexpr const char* kBuildArg = "build-arg:";
constexpr const char* kTargetArg = "build-arg:LOAM_TARGET";
constexpr const char* kOutputArg = "build-arg:LOAM_OUTPUT";
// Arguments of the frontend itself, not of the Earthfile.
constexpr std::string_view kOwnArgs[] = {"LOAM_TARGET", "LOAM_OUTPUT", "BUILDKIT_SYNTAX"};

class Build {
 public:
  Build(GatewayClient& client, const Environment& environment, const std::map<std::string, std::string>& inputs,
        const std::string& earthfile)
      : client_(client), environment_(environment), inputs_(inputs), earthfile_(earthfile) {}

  Result<api::Result> Run() {
    LOAM_TRY(RefuseWhatIsNotThere());
    const CompileResult compiled = LOAM_TRY(Compile());
    return Choose(compiled);
  }

 private:
  [[nodiscard]] std::string Option(const char* name) const {
    const auto found = environment_.options.find(name);
    return found == environment_.options.end() ? std::string() : found->second;
  }

  Result<> RefuseWhatIsNotThere() const {
    if (environment_.options.count("requestid") != 0) {
      return Unexpected(ErrorCode::kUnimplemented,
                        fmt::format("the question {} is not answered for Earthfiles", Option("requestid")));
    }
    const std::string context = Option("context");
    if (!context.empty() || inputs_.count("context") != 0) {
      return Unexpected(Error(ErrorCode::kUnimplemented,
                              "an Earthfile behind a BuildKit gateway needs a directory of the client as its context")
                            .WithHint("fetch the repository and build in it"));
    }
    if (Option("platform").find(',') != std::string::npos) {
      return Unexpected(Error(ErrorCode::kUnimplemented, "one platform at a time for an Earthfile")
                            .WithHint("a target builds for several with BUILD --platform"));
    }
    return {};
  }

  // "+test" of "test", "+test" and "./lib+test"; an artifact as well.
  [[nodiscard]] Result<std::string> Root() const {
    std::string target = Option(kTargetArg);
    if (target.empty()) {
      target = Option("target");
    }
    if (target.empty()) {
      return Unexpected(Error(ErrorCode::kInvalidArgument, "no target was named")
                            .WithHint("`--target NAME` or `--build-arg LOAM_TARGET=+NAME`"));
    }
    return target.find('+') == std::string::npos ? "+" + target : target;
  }

  Result<CompileResult> Compile() {
    const std::string root = LOAM_TRY(Root());
    Gate gate;
    GatewayBuildHostOptions gated;
    gated.session_id = environment_.session_id;
    gated.dockerfile_name = earthfile_;
    GatewayBuildHostOptions open = gated;
    gated.blocking.before = [&gate] { gate.Release(); };
    gated.blocking.after = [&gate] { gate.Acquire(); };
    GatewayBuildHost host(client_, std::move(gated));
    GatewayBuildHost files_host(client_, std::move(open));
    GatewayProjectHost project_host(client_, files_host, environment_, earthfile_);
    GatewayEffects effects(client_, gate);
    sema::earthfile::Project project(project_host, sources_, {.gate = &gate});

    sema::earthfile::EvaluateRequest request;
    request.roots = {root};
    request.project = &project;
    request.sources = &sources_;
    request.host = &host;
    request.effects = &effects;
    request.gate = &gate;
    for (const auto& [key, value] : environment_.options) {
      if (key.starts_with(kBuildArg)) {
        const std::string name = key.substr(std::string_view(kBuildArg).size());
        if (std::find(std::begin(kOwnArgs), std::end(kOwnArgs), name) == std::end(kOwnArgs)) {
          request.args.emplace_back(name, value);
        }
      }
    }
    sema::earthfile::EvaluateOptions& options = request.options;
    // "+build/out/app"
    options.mode = root.find('/', root.find('+')) == std::string::npos ? sema::earthfile::OutputMode::kAll
                                                                       : sema::earthfile::OutputMode::kArtifact;
    options.no_cache = environment_.options.count("no-cache") != 0;
    // The daemon knows its entitlements.
    options.allow_privileged = true;
    options.no_auto_skip = true;
    if (const std::string mode = Option("image-resolve-mode"); !mode.empty()) {
      options.resolve_mode = mode;
    }
    if (const std::string network = Option("force-network-mode"); network == "none") {
      options.network = ir::Network::kNone;
    } else if (network == "host") {
      options.network = ir::Network::kHost;
    } else if (!network.empty() && network != "default" && network != "sandbox") {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no network mode", network));
    }
    options.platform = Option("platform");
    options.native_platform =
        environment_.build_platform.empty() ? FormatPlatformAll(HostPlatform()) : environment_.build_platform;
    options.user_platform = options.native_platform;
    options.version = fmt::format("{}+loam{}", kLanguageVersion, LOAM_VERSION);
    options.version_sha = LOAM_VERSION;
    options.built_by = fmt::format("loam {}", LOAM_VERSION);
    options.invocation_directory = "/";
    options.session_id = environment_.session_id;
    options.context_name = kContextName;

    diag::CollectingConsumer consumer;
    diag::Emitter emitter(consumer);
    Result<std::optional<CompileResult>> compiled =
        driver::earthfile::Compile(request, {.level = passes::OptLevel::kO0}, emitter);
    performed_ = effects.TakePerformed();
    const std::vector<diag::Diagnostic> diagnostics = consumer.Take();
    if (!compiled) {
      return Unexpected(std::move(compiled).error());
    }
    if (!*compiled) {
      std::string text = diag::RenderTerminal(diagnostics, sources_, {.color = false});
      return Unexpected(ErrorCode::kInvalidArgument, std::string(TrimSpace(text)));
    }
    return *std::move(*compiled);
  }

  // The one result among what was made.
  Result<api::Result> Choose(const CompileResult& compiled) {
    std::vector<const CompiledImage*> images;
    std::vector<const CompiledArtifact*> artifacts;
    std::vector<std::string_view> states;
    std::vector<const driver::earthfile::CompiledOutputs*> all;
    for (const auto& outputs : performed_) {
      all.push_back(&outputs);
    }
    all.push_back(&compiled.outputs);
    for (const auto* const outputs : all) {
      for (const CompiledImage& image : outputs->images) {
        images.push_back(&image);
      }
      for (const CompiledArtifact& artifact : outputs->artifacts) {
        artifacts.push_back(&artifact);
      }
      for (const llb::Definition& state : outputs->states) {
        states.emplace_back(state.bytes);
      }
    }
    LOAM_TRY(BuildAll(client_, states));
    if (compiled.wanted) {
      return Files(compiled.wanted->definition);
    }
    const std::string wish = Option(kOutputArg);
    if (!wish.empty() && wish != "image" && wish != "artifacts") {
      return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("LOAM_OUTPUT={} is no kind of output", wish))
                            .WithHint("image or artifacts"));
    }
    if (wish == "image") {
      artifacts.clear();
    } else if (wish == "artifacts") {
      images.clear();
    }
    if (!images.empty() && !artifacts.empty()) {
      return Unexpected(
          Error(ErrorCode::kUnimplemented,
                fmt::format("several outputs: the image {} of {} and the artifact {}, and a BuildKit gateway takes one",
                            images.front()->output.name, images.front()->output.target,
                            artifacts.front()->output.artifact))
              .WithHint("choose by `--build-arg LOAM_OUTPUT=image` or `LOAM_OUTPUT=artifacts`"));
    }
    if (!images.empty()) {
      return Images(images);
    }
    if (!artifacts.empty()) {
      return Artifacts(artifacts);
    }
    if (!wish.empty()) {
      return Unexpected(ErrorCode::kNotFound, fmt::format("the target has no {} to hand out", wish));
    }
    // Built for its own sake.
    if (compiled.outcome.roots.empty()) {
      return api::Result();
    }
    const llb::Definition root = LOAM_TRY(llb::Emit(compiled.module, compiled.outcome.roots.front()));
    return Files(root);
  }

  Result<api::Result> Files(const llb::Definition& definition) {
    ResultBuilder result(client_, false);
    BuiltPlatform built;
    built.id = Option("platform").empty() ? NativePlatform() : Option("platform");
    if (!definition.bytes.empty()) {
      built.ref = LOAM_TRY(client_.Solve(definition.bytes));
    }
    LOAM_TRY(result.Add(std::move(built)));
    return result.Finish();
  }

  Result<api::Result> Images(const std::vector<const CompiledImage*>& images) {
    // The same image under several names is one; several platforms of a name are one result.
    std::vector<const CompiledImage*> parts;
    for (const CompiledImage* const image : images) {
      const auto same = std::find_if(parts.begin(), parts.end(), [&](const CompiledImage* part) {
        return part->definition.bytes == image->definition.bytes && part->output.config == image->output.config;
      });
      if (same != parts.end()) {
        continue;
      }
      const bool other_platform =
          parts.empty() || (image->output.multi_platform && image->output.name == parts.front()->output.name);
      if (!other_platform) {
        return Unexpected(
            Error(ErrorCode::kUnimplemented,
                  fmt::format("several outputs: the images {} of {} and {} of {}, and a BuildKit gateway takes one",
                              parts.front()->output.name, parts.front()->output.target, image->output.name,
                              image->output.target))
                .WithHint("build one of these targets"));
      }
      parts.push_back(image);
    }
    ResultBuilder result(client_, parts.size() > 1);
    for (const CompiledImage* const image : parts) {
      BuiltPlatform built;
      built.id = image->output.platform_id;
      built.config = image->output.config;
      if (!image->definition.bytes.empty()) {
        built.ref = LOAM_TRY(client_.Solve(image->definition.bytes));
      }
      LOAM_TRY(result.Add(std::move(built)));
    }
    return result.Finish();
  }

  // All of them in one filesystem, each at its destination.
  Result<api::Result> Artifacts(const std::vector<const CompiledArtifact*>& artifacts) {
    ir::Graph graph;
    ir::Value files;
    for (const CompiledArtifact* const artifact : artifacts) {
      const sema::earthfile::ArtifactOutput& output = artifact->output;
      const llb::Graph read = LOAM_TRY(llb::ReadDefinition(artifact->definition.bytes));
      const ir::Value from = LOAM_TRY(llb::ImportInto(graph, read));
      ir::FileAction copy;
      copy.kind = ir::FileActionKind::kCopy;
      std::vector<ir::Value> operands;
      if (!files.is_scratch()) {
        operands.push_back(files);
      }
      copy.input = files.is_scratch() ? -1 : 0;
      copy.secondary_input = static_cast<std::int64_t>(operands.size());
      operands.push_back(from);
      copy.output = 0;
      copy.source = graph.Intern("/" + output.source);
      std::string destination = output.destination.empty() ? "./" : output.destination;
      if (destination.starts_with("../") || destination == "..") {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("the artifact {} goes to {}, outside of what a BuildKit gateway hands out",
                                      output.artifact, destination));
      }
      destination = destination == "." || destination == "./" ? "/" : "/" + destination;
      copy.path = graph.Intern(destination);
      copy.mode = -1;
      copy.timestamp = -1;
      copy.allow_wildcard = true;
      copy.allow_empty_wildcard = output.if_exists;
      copy.create_dest_path = true;
      files = graph.Add<ir::OpKind::kFile>(operands, {{&copy, 1}});
      const std::string name = fmt::format("output {} -> {}", output.artifact, output.destination);
      const std::vector<ir::KeyValue> description{{"llb.customname", name}};
      ir::Metadata metadata;
      metadata.description = description;
      graph.Annotate(files, metadata);
    }
    return Files(LOAM_TRY(llb::Emit(graph, files)));
  }

  [[nodiscard]] std::string NativePlatform() const {
    return environment_.build_platform.empty() ? FormatPlatformAll(HostPlatform()) : environment_.build_platform;
  }

  GatewayClient& client_;
  const Environment& environment_;
  const std::map<std::string, std::string>& inputs_;
  const std::string& earthfile_;
  source::SourceManager sources_;
  // Of inner WAITs.
  std::vector<driver::earthfile::CompiledOutputs> performed_;
};

}  // namespace

Result<api::Result> BuildEarthfile(GatewayClient& client, const Environment& environment,
                                   const std::map<std::string, std::string>& inputs, const std::string& earthfile) {
  return Build(client, environment, inputs, earthfile).Run();
}

}  // namespace loam::frontend
