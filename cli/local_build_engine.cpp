#include "cli/build_engine.h"

namespace loam::cli {

namespace {

class LocalBuildEngine final : public BuildEngine {
 public:
  explicit LocalBuildEngine(engine::Engine& engine) : engine_(engine) {}

  Result<BuildOutcome> Build(const BuildRequest& request, std::shared_ptr<solver::ProgressSink> progress,
                             gateway::DockerfileBuildReport& report, std::stop_token stop) override {
    engine::Job job = engine_.StartJob({.client = request.client,
                                        .progress = std::move(progress),
                                        .entitlements = request.entitlements,
                                        .title = request.title,
                                        .build_key = request.build_key});
    Result<BuildOutcome> outcome = BuildAndExport(job, request, report, stop);
    if (!outcome && request.on_failure && !stop.stop_requested()) {
      request.on_failure(job, outcome.error());
    }
    // A build that cannot be recorded is still a build: only `loam why` misses it, and the error says so.
    const Result<> recorded = job.Finish(outcome ? std::nullopt : std::optional<Error>(outcome.error()));
    if (outcome && !recorded) {
      return Unexpected(recorded.error().Wrap("the build succeeded, but its record could not be written"));
    }
    return outcome;
  }

 private:
  static Result<BuildOutcome> BuildAndExport(engine::Job& job, const BuildRequest& request,
                                             gateway::DockerfileBuildReport& report, const std::stop_token& stop) {
    const gateway::DockerfileBuildResult result =
        LOAM_TRY(gateway::BuildDockerfile(job, *request.client, request.frontend, report, stop));
    BuildOutcome outcome;
    for (const engine::ExportRequest& output : request.exports) {
      engine::ExportRequest with_shape = output;
      with_shape.multi_platform = result.multi_platform;
      with_shape.metadata = result.metadata;
      for (auto& [key, value] : LOAM_TRY(job.Export(result.platforms, with_shape, stop))) {
        outcome.response[key] = std::move(value);
      }
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
