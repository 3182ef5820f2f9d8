#include "runtime-executor/gateway/dockerfile_build.h"

#include <algorithm>

#include "compiler/diagnostics/emitter.h"
#include "compiler/driver/compile.h"
#include "runtime-executor/gateway/build_host.h"

namespace loam::gateway {
namespace {

constexpr const char* kDefaultDockerfile = "Dockerfile";

std::string OptionOr(const DockerfileBuildRequest& request, const std::string& name, const std::string& fallback) {
  const auto found = request.options.find(name);
  return found == request.options.end() || found->second.empty() ? fallback : found->second;
}

// The Dockerfile itself, as a buffer of the report's sources.
Result<const source::Buffer*> LoadDockerfile(engine::Job& job, sema::BuildHost& host,
                                             const DockerfileBuildRequest& request, DockerfileBuildReport& report) {
  const std::string filename = OptionOr(request, "filename", kDefaultDockerfile);
  const std::string display = request.display_name.empty() ? filename : request.display_name;
  const source::Buffer* buffer = nullptr;
  LOAM_TRY(job.Step("[internal] load build definition from " + filename, [&](solver::ProgressWriter&) -> Result<> {
    Result<std::string> text = host.ReadDockerfileNeighbour(filename);
    if (!text && text.error().Is(ErrorCode::kNotFound)) {
      return Unexpected(Error(ErrorCode::kNotFound, fmt::format("failed to read dockerfile: {}: no such file", display))
                            .WithHint("name the Dockerfile by -f, or the directory that holds it"));
    }
    if (!text) {
      return Unexpected(std::move(text).error().Wrap("failed to read dockerfile"));
    }
    buffer = LOAM_TRY(report.sources->AddText(display, std::move(*text)));
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

}  // namespace

Result<DockerfileBuildResult> BuildDockerfile(engine::Job& job, session::ClientServices& client,
                                              const DockerfileBuildRequest& request, DockerfileBuildReport& report,
                                              std::stop_token stop) {
  if (report.sources == nullptr) {
    report.sources = std::make_shared<source::SourceManager>();
  }
  driver::CompileOptions options;
  options.dockerfile = LOAM_TRY(sema::ParseFrontendOptions(request.options));
  options.dockerfile.file_name = OptionOr(request, "filename", kDefaultDockerfile);
  options.dockerfile.read_dockerignore = true;
  options.lint = true;
  options.level = request.optimization_level == 0 ? passes::OptLevel::kO0 : passes::OptLevel::kO1;

  const std::unique_ptr<sema::BuildHost> host = MakeBuildHost(job, client, stop);
  const source::Buffer* buffer = LOAM_TRY(LoadDockerfile(job, *host, request, report));

  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  Result<driver::CompileResult> compiled = driver::Compile(*report.sources, *buffer, options, *host, emitter);
  report.diagnostics = consumer.Take();
  if (!compiled) {
    return Unexpected(std::move(compiled).error());
  }
  report.warnings = std::move(compiled->warnings);
  if (stop.stop_requested()) {
    return Unexpected(ErrorCode::kCanceled, "context canceled");
  }
  if (!compiled->ok) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("{} has mistakes", buffer->name()));
  }
  AddVertexSources(*compiled, *buffer, report);

  std::vector<std::string_view> definitions;
  for (const driver::CompiledPlatform& platform : compiled->platforms) {
    definitions.push_back(platform.definition.bytes);
  }
  const std::vector<snapshot::FsRef> filesystems = LOAM_TRY(job.SolveAll(definitions, stop));

  DockerfileBuildResult result;
  result.multi_platform = options.dockerfile.multi_platform || filesystems.size() > 1;
  for (std::size_t i = 0; i < filesystems.size(); ++i) {
    driver::CompiledPlatform& platform = compiled->platforms[i];
    result.platforms.push_back(
        {platform.platform, filesystems[i], std::move(platform.image_config), std::move(platform.base_image_config)});
    if (platform.epoch) {
      result.metadata["source.date.epoch"] = std::to_string(*platform.epoch);
    }
  }
  return result;
}

}  // namespace loam::gateway
