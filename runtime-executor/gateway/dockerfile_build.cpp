#include "runtime-executor/gateway/dockerfile_build.h"

#include <algorithm>

#include "compiler/diagnostics/emitter.h"
#include "compiler/driver/compile.h"
#include "runtime-executor/gateway/build_host.h"
#include "runtime-executor/gateway/dockerfile_text.h"
#include "runtime-executor/gateway/target_contexts.h"

namespace loam::gateway {
namespace {

constexpr const char* kDefaultDockerfile = "Dockerfile";

std::string OptionOr(const DockerfileBuildRequest& request, const std::string& name, const std::string& fallback) {
  const auto found = request.options.find(name);
  return found == request.options.end() || found->second.empty() ? fallback : found->second;
}

// The Dockerfile itself, as a buffer of the report's sources. Sets the file's name in `options`.
Result<const source::Buffer*> LoadDockerfile(engine::Job& job, sema::BuildHost& host,
                                             const DockerfileBuildRequest& request, sema::DockerfileOptions& options,
                                             DockerfileBuildReport& report) {
  const source::Buffer* buffer = nullptr;
  const std::string step = "[internal] load build definition from " + options.file_name;
  LOAM_TRY(job.Step(step, [&](solver::ProgressWriter&) -> Result<> {
    DockerfileText dockerfile = LOAM_TRY(ReadDockerfile(request, options, host));
    options.file_name = dockerfile.file_name;
    buffer = LOAM_TRY(report.sources->AddText(request.display_name.empty() ? options.file_name : request.display_name,
                                              std::move(dockerfile.text)));
    return {};
  }));
  return buffer;
}

// Which lines of the Dockerfile every vertex comes from.
void AddVertexSources(const driver::CompileResult& compiled, const source::Buffer& buffer,
                      DockerfileBuildReport& report) {
  for (const driver::CompiledPlatform& platform : compiled.platforms) {
    for (const llb::EmittedOp& op : platform.definition.ops) {
      if (op.node == ir::Value::kNone) {
        continue;
      }
      VertexSource source{&buffer, {}};
      for (const ir::SourceLocation& location : compiled.module.graph.MergedMetadata(ir::NodeId(op.node)).locations) {
        for (const ir::SourceRange& range : location.ranges) {
          source.lines.push_back(
              {static_cast<std::uint32_t>(range.start_line), static_cast<std::uint32_t>(range.end_line)});
        }
      }
      if (!source.lines.empty()) {
        report.vertex_sources.emplace(op.digest, std::move(source));
      }
    }
  }
}

Result<driver::CompileOptions> OptionsOf(const DockerfileBuildRequest& request) {
  driver::CompileOptions options;
  options.dockerfile = LOAM_TRY(sema::ParseFrontendOptions(request.options));
  options.dockerfile.file_name = OptionOr(request, "filename", kDefaultDockerfile);
  options.dockerfile.read_dockerignore = true;
  options.dockerfile.context_is_input =
      options.dockerfile.remote_context.empty() && request.inputs.count("context") != 0;
  options.lint = true;
  options.level = request.optimization_level == 0 ? passes::OptLevel::kO0 : passes::OptLevel::kO1;
  return options;
}

// What the compiler says goes to the report; a result is without mistakes.
Result<driver::CompileResult> CompileDockerfile(engine::Job& job, session::ClientServices& client,
                                                const DockerfileBuildRequest& request,
                                                const driver::CompileOptions& options, const source::Buffer& buffer,
                                                DockerfileBuildReport& report, const std::stop_token& stop) {
  const std::unique_ptr<sema::BuildHost> host = MakeBuildHost(job, client, stop, {.inputs = request.inputs});
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  Result<driver::CompileResult> compiled = driver::Compile(*report.sources, buffer, options, *host, emitter);
  report.diagnostics = consumer.Take();
  if (!compiled) {
    return Unexpected(std::move(compiled).error());
  }
  report.warnings = std::move(compiled->warnings);
  if (stop.stop_requested()) {
    return Unexpected(ErrorCode::kCanceled, "context canceled");
  }
  if (!compiled->ok) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} has mistakes", buffer.name()));
  }
  return compiled;
}

}  // namespace

Result<DockerfileBuildResult> BuildDockerfile(engine::Job& job, session::ClientServices& client,
                                              const DockerfileBuildRequest& request, DockerfileBuildReport& report,
                                              std::stop_token stop) {
  if (report.sources == nullptr) {
    report.sources = std::make_shared<source::SourceManager>();
  }
  DockerfileBuildRequest whole = request;
  driver::CompileOptions options = LOAM_TRY(OptionsOf(whole));
  const source::Buffer* buffer = nullptr;
  {
    const std::unique_ptr<sema::BuildHost> host = MakeBuildHost(job, client, stop, {.inputs = whole.inputs});
    buffer = LOAM_TRY(LoadDockerfile(job, *host, whole, options.dockerfile, report));
  }
  LOAM_TRY(BuildTargetContexts(whole, [&](const DockerfileBuildRequest& part) -> Result<driver::CompileResult> {
    driver::CompileOptions part_options = LOAM_TRY(OptionsOf(part));
    part_options.lint = false;
    part_options.dockerfile.file_name = options.dockerfile.file_name;
    return CompileDockerfile(job, client, part, part_options, *buffer, report, stop);
  }));
  const std::string file_name = options.dockerfile.file_name;
  options = LOAM_TRY(OptionsOf(whole));
  options.dockerfile.file_name = file_name;
  auto compiled = LOAM_TRY(CompileDockerfile(job, client, whole, options, *buffer, report, stop));
  AddVertexSources(compiled, *buffer, report);

  std::vector<std::string_view> definitions;
  for (const driver::CompiledPlatform& platform : compiled.platforms) {
    definitions.push_back(platform.definition.bytes);
  }
  const std::vector<snapshot::FsRef> filesystems = LOAM_TRY(job.SolveAll(definitions, stop));

  DockerfileBuildResult result;
  result.multi_platform = options.dockerfile.multi_platform || filesystems.size() > 1;
  for (std::size_t i = 0; i < filesystems.size(); ++i) {
    driver::CompiledPlatform& platform = compiled.platforms[i];
    result.platforms.push_back(
        {platform.platform, filesystems[i], std::move(platform.image_config), std::move(platform.base_image_config)});
    if (platform.epoch) {
      result.metadata["source.date.epoch"] = std::to_string(*platform.epoch);
    }
  }
  return result;
}

}  // namespace loam::gateway
