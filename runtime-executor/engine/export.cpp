// JobState::Export: from results of the solver to an exporter, with its progress as a vertex.
#include <algorithm>

#include <fmt/format.h>

#include "runtime-executor/cache/remote/inline_cache.h"
#include "runtime-executor/engine/cache_collector.h"
#include "runtime-executor/engine/export_progress.h"
#include "runtime-executor/engine/job_state.h"
#include "runtime-executor/exporter/exporter.h"
#include "runtime-executor/exporter/layers.h"

namespace loam::engine {
namespace {

constexpr int kFirstVersion = 10;
// The first with OCI's media types and artifacts unless others are asked for.
constexpr int kOciVersion = 30;

// What exporters did by themselves in that version.
Result<> KeepToVersion(int version, const std::string& type, std::span<const PlatformResult> results,
                       std::map<std::string, std::string>& attributes) {
  const bool image = type == "image" || type == "oci" || type == "docker";
  if (!image || version >= kOciVersion) {
    return {};
  }
  const auto compression = attributes.find("compression");
  if (version == kFirstVersion && compression != attributes.end() && compression->second == "zstd") {
    return Unexpected(
        ErrorCode::kUnimplemented,
        fmt::format("unsupported compatibility-version {} feature {} exporter compression=zstd", version, type));
  }
  const bool attested = std::any_of(results.begin(), results.end(),
                                    [](const PlatformResult& result) { return !result.attestations.empty(); });
  if (type != "oci") {
    attributes.emplace("oci-mediatypes", attested ? "true" : "false");
  }
  attributes.emplace("oci-artifact", "false");
  return {};
}

}  // namespace

exporter::ExporterServices JobState::ServicesForExport() const {
  exporter::ExporterServices services;
  services.content = engine_->content.get();
  services.layers = engine_->layers.get();
  services.codecs = &engine_->codecs;
  services.images = engine_->images.get();
  services.clock = &engine_->clock;
  services.fetch_blob = [engine = engine_](const content::Descriptor& blob, const std::string& origin,
                                           std::stop_token stop_fetch) -> Result<> {
    return source::FetchLayerBlob(engine->ImageOptions(), blob, origin, nullptr, std::move(stop_fetch));
  };
  services.registry = engine_->registry.get();
  services.registry_auth = options_.client->registry_auth();
  return services;
}

Result<std::map<std::string, std::string>> JobState::Export(std::span<const PlatformResult> results,
                                                            const ExportRequest& request, std::stop_token stop) {
  exporter::ExporterServices services = ServicesForExport();
  services.output_fd = request.output_fd;
  services.announce = request.announce;
  services.layouts = options_.client->oci_layouts();
  std::map<std::string, std::string> attributes = request.attributes;
  LOAM_TRY(KeepToVersion(options_.compatibility_version, request.type, results, attributes));
  const std::unique_ptr<exporter::Exporter> target =
      LOAM_TRY(exporter::MakeExporter(request.type, attributes, services));

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
    platform.attestations = result.attestations;
    input.platforms.push_back(std::move(platform));
  }
  if (request.inline_cache) {
    input.inline_cache = [this, results](std::size_t index,
                                         const std::vector<exporter::LayerBlob>& layers) -> Result<std::string> {
      return InlineCacheOf(*engine_, LOAM_TRY(GraphOf(results[index].definition)), results[index].fs, layers);
    };
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
