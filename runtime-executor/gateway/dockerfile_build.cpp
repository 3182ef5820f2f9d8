#include "runtime-executor/gateway/dockerfile_build.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "compiler/driver/compile.h"
#include "compiler/driver/frontend/local_files.h"
#include "runtime-executor/gateway/build_host.h"

namespace loam::gateway {

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

namespace {

// Where the client's Dockerfile comes from, for source maps; nothing if it is in a remote context or in an input, which
// tell it when they are read.
Result<llb::Definition> DockerfileOfClient(const DockerfileBuildRequest& request) {
  const auto option = [&](const char* name, const char* fallback) {
    const auto found = request.options.find(name);
    return found == request.options.end() || found->second.empty() ? std::string(fallback) : found->second;
  };
  const std::string directory = option("dockerfilekey", "dockerfile");
  const bool own = request.options.count("dockerfilekey") != 0;
  if (!own && (request.inputs.count("dockerfile") != 0 || !option("context", "").empty())) {
    return llb::Definition();
  }
  const std::string name = option("filename", "Dockerfile");
  return driver::LocalFilesDefinition({.directory = directory,
                                       .paths = driver::DockerfilePaths(name),
                                       .shared_key_hint = directory,
                                       .step = "[internal] load build definition from " + name,
                                       .session_id = request.session_id});
}

std::map<std::string, std::string> LocalSessions(const std::map<std::string, std::string>& options) {
  constexpr std::string_view kPrefix = "local-sessionid:";
  std::map<std::string, std::string> sessions;
  for (const auto& [key, value] : options) {
    if (key.starts_with(kPrefix)) {
      sessions[key.substr(kPrefix.size())] = value;
    }
  }
  return sessions;
}

void TellWarnings(const DockerfileBuildReport& report, const Digest& vertex, engine::Job& job) {
  for (const lint::Warning& warning : report.warnings) {
    solver::WarningEvent event;
    event.vertex = vertex;
    event.short_message = driver::WarningLine(warning);
    event.detail = {std::string(warning.rule->description)};
    event.url = warning.rule->url;
    event.file = report.file_name;
    if (warning.lines.first > 0) {
      event.ranges.push_back(
          {static_cast<std::int32_t>(warning.lines.first), 0, static_cast<std::int32_t>(warning.lines.last), 0});
    }
    job.Warn(std::move(event));
  }
}

}  // namespace

Result<DockerfileBuildResult> BuildDockerfile(engine::Job& job, session::ClientServices& client,
                                              const DockerfileBuildRequest& request, DockerfileBuildReport& report,
                                              std::stop_token stop) {
  driver::DockerfileFrontendHost host;
  const auto sources = std::make_shared<engine::FrontendSources>();
  std::mutex sources_mutex;
  // Steps of the frontend follow one another.
  std::atomic<solver::ProgressWriter*> step_writer = nullptr;
  // What a Dockerfile of a remote context was read from; guarded by sources_mutex.
  std::string read_from;
  host.make = [&](const std::map<std::string, std::string>& inputs) {
    BuildHostOptions options;
    options.inputs = inputs;
    options.local_sessions = LocalSessions(request.options);
    options.on_definition = [&](const ir::Graph&, const llb::Definition& definition) {
      const std::lock_guard lock(sources_mutex);
      sources->definitions.push_back(definition.bytes);
      if (step_writer != nullptr) {
        read_from = definition.bytes;
      }
    };
    options.on_local = [&](std::string_view name) {
      const std::lock_guard lock(sources_mutex);
      sources->locals.emplace(name);
    };
    options.reading_step = [&step_writer] { return step_writer.load(); };
    return MakeBuildHost(job, client, stop, std::move(options));
  };
  host.step = [&](const std::string& name, const std::function<Result<>()>& body) {
    return job.Step(name, [&](solver::ProgressWriter& writer) {
      step_writer = &writer;
      Result<> done = body();
      step_writer = nullptr;
      return done;
    });
  };
  host.forwards = request.forwards;
  const llb::Definition local = LOAM_TRY(DockerfileOfClient(request));
  host.dockerfile_definition = [&] {
    const std::lock_guard lock(sources_mutex);
    return local.bytes.empty() ? read_from : local.bytes;
  };
  Result<driver::DockerfileAnswer> answered = driver::RunDockerfileFrontend(request, host, report);
  report.definition = host.dockerfile_definition();
  if (request.tell_warnings) {
    TellWarnings(report, local.head, job);
  }
  if (stop.stop_requested()) {
    return Unexpected(ErrorCode::kCanceled, "context canceled");
  }
  driver::DockerfileAnswer answer = LOAM_TRY(std::move(answered));
  DockerfileBuildResult result;
  if (auto* const forwarded = std::get_if<driver::ForwardedBuild>(&answer)) {
    result.forwarded = std::move(*forwarded);
    return result;
  }
  if (auto* const said = std::get_if<driver::SubrequestAnswer>(&answer)) {
    result.metadata = std::move(said->metadata);
    return result;
  }
  auto& [compiled, options] = std::get<driver::CompiledDockerfile>(answer);
  AddVertexSources(compiled, *report.buffer, report);

  std::vector<std::string_view> definitions;
  for (const driver::CompiledPlatform& platform : compiled.platforms) {
    definitions.push_back(platform.definition.bytes);
  }
  std::vector<snapshot::FsRef> filesystems(definitions.size());
  if (!request.lazy) {
    filesystems = LOAM_TRY(job.SolveAll(definitions, stop));
  }

  result.multi_platform = options.multi_platform || filesystems.size() > 1;
  for (std::size_t i = 0; i < filesystems.size(); ++i) {
    driver::CompiledPlatform& platform = compiled.platforms[i];
    result.platforms.push_back({platform.platform, filesystems[i], std::move(platform.image_config),
                                std::move(platform.base_image_config), std::move(platform.definition.bytes)});
    result.platforms.back().sources = sources;
    result.platforms.back().scan = {std::move(platform.scans), platform.scan_anew};
    if (platform.epoch) {
      result.metadata["source.date.epoch"] = std::to_string(*platform.epoch);
    }
  }
  return result;
}

}  // namespace loam::gateway
