#include "cli/build_engine.h"
#include "cli/commands/build_caches.h"
#include "runtime-executor/gateway/earthfile/engine_site.h"

namespace loam::cli {

namespace {

constexpr const char* kNoRecord = "the build succeeded, but its record could not be written";

RunInFailedStep InStepOf(engine::Job& job, const Error& failure, const std::stop_token& stop) {
  return [&job, failure, stop](const std::vector<std::string>& args, ops::TerminalLender& terminal) {
    return job.RunInFailedStep(failure, args, terminal, stop);
  };
}

class LocalBuildEngine final : public BuildEngine {
 public:
  explicit LocalBuildEngine(engine::Engine& engine) : engine_(engine) {}

  Result<BuildOutcome> Build(const BuildRequest& request, std::shared_ptr<solver::ProgressSink> progress,
                             gateway::DockerfileBuildReport& report, std::stop_token stop) override {
    engine::Job job = engine_.StartJob({.client = request.client,
                                        .progress = std::move(progress),
                                        .entitlements = request.entitlements,
                                        .title = request.title,
                                        .build_key = request.build_key,
                                        .cache_imports = request.caches.imports});
    Result<BuildOutcome> outcome = BuildAndExport(job, request, report, stop);
    if (!outcome && request.on_failure && !stop.stop_requested()) {
      request.on_failure(InStepOf(job, outcome.error(), stop));
    }
    // A build that cannot be recorded is still a build: only `loam why` misses it, and the error says so.
    const Result<> recorded = job.Finish(outcome ? std::nullopt : std::optional<Error>(outcome.error()));
    if (outcome && !recorded) {
      return Unexpected(recorded.error().Wrap(kNoRecord));
    }
    return outcome;
  }

  Result<> BuildEarthfile(const EarthBuildRequest& request, std::shared_ptr<solver::ProgressSink> progress,
                          gateway::earthfile::EarthfileBuildReport& report, std::stop_token stop) override {
    ops::Entitlements entitlements = request.entitlements;
    entitlements.network_host = true;
    engine::Job job = engine_.StartJob({.client = request.client,
                                        .progress = std::move(progress),
                                        .entitlements = entitlements,
                                        .title = request.title,
                                        .build_key = request.build_key,
                                        .on_usage = request.on_usage});
    const auto site = gateway::earthfile::MakeEngineSite(job, *request.client);
    Result<> built = gateway::earthfile::BuildEarthfile(*site, *request.frontend, report, stop);
    if (!built && request.on_failure && !stop.stop_requested()) {
      request.on_failure(InStepOf(job, built.error(), stop));
    }
    const Result<> recorded = job.Finish(built ? std::nullopt : std::optional<Error>(built.error()));
    if (built && !recorded) {
      return Unexpected(recorded.error().Wrap(kNoRecord));
    }
    return built;
  }

 private:
  static Result<BuildOutcome> BuildAndExport(engine::Job& job, const BuildRequest& request,
                                             gateway::DockerfileBuildReport& report, const std::stop_token& stop) {
    for (const BuildCaches::Export& target : request.caches.exports) {
      LOAM_TRY(job.CheckCacheExport(target.entry));
    }
    gateway::DockerfileBuildResult result =
        LOAM_TRY(gateway::BuildDockerfile(job, *request.client, request.frontend, report, stop));
    for (engine::PlatformResult& platform : result.platforms) {
      platform.request = {"dockerfile.v0", request.frontend.options};
    }
    if (!request.exports.empty()) {
      LOAM_TRY(job.Attest(result.platforms, request.attests, stop));
    }
    BuildOutcome outcome;
    for (const engine::ExportRequest& output : request.exports) {
      engine::ExportRequest with_shape = output;
      with_shape.multi_platform = result.multi_platform;
      with_shape.metadata = result.metadata;
      with_shape.inline_cache = request.caches.inline_cache;
      for (auto& [key, value] : LOAM_TRY(job.Export(result.platforms, with_shape, stop))) {
        outcome.response[key] = std::move(value);
      }
    }
    for (const BuildCaches::Export& target : request.caches.exports) {
      const auto response = LOAM_TRY(job.ExportCache(result.platforms, target.entry, stop));
      if (target.index) {
        LOAM_TRY(NameLocalCache(*target.index, response));
      }
      outcome.response.insert(response.begin(), response.end());
    }
    return outcome;
  }

  engine::Engine& engine_;
};

}  // namespace

std::unique_ptr<BuildEngine> MakeLocalBuildEngine(engine::Engine& engine) {
  return std::make_unique<LocalBuildEngine>(engine);
}

}  // namespace loam::cli
