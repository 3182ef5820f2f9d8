// JobState::Export: from results of the solver to an exporter, with its progress as a vertex.
#include "runtime-executor/engine/job_state.h"
#include "runtime-executor/exporter/exporter.h"

namespace loam::engine {
namespace {

// Parts of an export as statuses of its vertex.
class StatusProgress final : public exporter::ExportProgress {
 public:
  StatusProgress(solver::ProgressWriter& writer, const Clock& clock) : writer_(writer), clock_(clock) {}

  void Started(const std::string& id) override { Send(id, 0, 0, false); }
  void Progressed(const std::string& id, std::uint64_t current, std::uint64_t total) override {
    Send(id, static_cast<std::int64_t>(current), static_cast<std::int64_t>(total), false);
  }
  void Finished(const std::string& id) override { Send(id, 0, 0, true); }

 private:
  void Send(const std::string& id, std::int64_t current, std::int64_t total, bool finished) {
    solver::StatusEvent event;
    const WallTime now = clock_.Now();
    {
      const std::lock_guard lock(mutex_);
      solver::StatusEvent& state = states_[id];
      if (!state.started) {
        state.id = id;
        state.started = now;
      }
      if (finished) {
        state.completed = now;
      } else {
        state.current = current;
        state.total = total;
      }
      event = state;
    }
    writer_.Status(std::move(event));
  }

  solver::ProgressWriter& writer_;
  const Clock& clock_;
  std::mutex mutex_;  // guards states_
  std::map<std::string, solver::StatusEvent> states_;
};

}  // namespace

Result<std::map<std::string, std::string>> JobState::Export(std::span<const PlatformResult> results,
                                                            const ExportRequest& request, std::stop_token stop) {
  exporter::ExporterServices services;
  services.content = engine_->content.get();
  services.layers = engine_->layers.get();
  services.codecs = &engine_->codecs;
  services.images = engine_->images.get();
  services.clock = &engine_->clock;
  services.output_fd = request.output_fd;
  services.fetch_blob = [engine = engine_](const content::Descriptor& blob, const std::string& origin,
                                           std::stop_token stop_fetch) -> Result<> {
    return source::FetchLayerBlob(engine->ImageOptions(), blob, origin, nullptr, std::move(stop_fetch));
  };
  services.registry = engine_->registry.get();
  services.registry_auth = options_.client->registry_auth();
  const std::unique_ptr<exporter::Exporter> target =
      LOAM_TRY(exporter::MakeExporter(request.type, request.attributes, services));

  exporter::ExportInput input;
  input.multi_platform = request.multi_platform || results.size() > 1;
  input.metadata = request.metadata;
  for (const PlatformResult& result : results) {
    exporter::PlatformExport platform;
    platform.id = result.platform;
    platform.platform = LOAM_TRY(ParsePlatform(result.platform));
    platform.fs = result.fs;
    platform.image_config = result.image_config;
    platform.base_image_config = result.base_image_config;
    input.platforms.push_back(std::move(platform));
  }
  std::map<std::string, std::string> response;
  LOAM_TRY(Step(target->Name(), [&](solver::ProgressWriter& writer) -> Result<> {
    StatusProgress progress(writer, engine_->clock);
    response = LOAM_TRY(target->Export(input, progress, stop));
    return {};
  }));
  return response;
}

}  // namespace loam::engine
