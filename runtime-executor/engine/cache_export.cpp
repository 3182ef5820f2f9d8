// JobState::ExportCache: what a build was made of, to a cache of the client.
#include <algorithm>

#include <fmt/format.h>

#include "runtime-executor/cache/remote/backend.h"
#include "runtime-executor/engine/cache_collector.h"
#include "runtime-executor/engine/export_progress.h"
#include "runtime-executor/engine/job_state.h"

namespace loam::engine {
namespace {

using LayerList = std::vector<content::Descriptor>;

// Layers of results as blobs. In the mode "min" only the final results are made into blobs; of the others those whose
// layers have blobs anyway are taken along.
class ResultLayers {
 public:
  ResultLayers(EngineState& engine, const cache::CacheExportSettings& settings) : engine_(engine) {
    attributes_.compression = settings.compression;
    attributes_.force_compression = settings.force_compression;
  }

  Result<> Make(const std::vector<snapshot::FsRef>& results, const exporter::ExporterServices& services,
                exporter::ExportProgress& progress, const std::stop_token& stop) {
    std::vector<exporter::LayerRequest> requests;
    for (const snapshot::FsRef& fs : results) {
      requests.emplace_back().fs = fs;
    }
    const auto made = LOAM_TRY(exporter::ExportLayers(requests, attributes_, services, progress, stop));
    for (std::size_t i = 0; i < results.size(); ++i) {
      const std::vector<snapshot::LayerId> ids = results[i].layer_ids();
      for (std::size_t j = 0; j < ids.size(); ++j) {
        known_[ids[j]] = CacheLayerOf(made[i][j]);
      }
    }
    return {};
  }

  // Of imports: not compressed anew, so they must be as they are asked for.
  [[nodiscard]] bool Fit(const LayerList& layers) const {
    return std::all_of(layers.begin(), layers.end(), [this](const auto& layer) { return Fits(layer); });
  }

  Result<std::optional<LayerList>> Of(const snapshot::FsRef& fs) {
    LayerList layers;
    for (const snapshot::LayerId id : fs.layer_ids()) {
      if (!known_.contains(id)) {
        const std::optional<content::Descriptor> blob = LOAM_TRY(FindBlob(id));
        if (!blob) {
          return std::optional<LayerList>();
        }
        known_[id] = *blob;
      }
      layers.push_back(known_.at(id));
    }
    return std::optional(std::move(layers));
  }

 private:
  [[nodiscard]] bool Fits(const content::Descriptor& blob) const {
    const auto type = content::CompressionOfMediaType(blob.media_type);
    return !attributes_.force_compression || (type && *type == attributes_.compression.type);
  }

  Result<std::optional<content::Descriptor>> FindBlob(snapshot::LayerId id) {
    exporter::LayerBlob layer;
    layer.diff_id = LOAM_TRY(engine_.layers->DiffId(id));
    layer.created = LOAM_TRY(engine_.layers->Info(id)).created;
    if (layer.diff_id.empty()) {
      return std::optional<content::Descriptor>();
    }
    for (content::Descriptor& blob : LOAM_TRY(engine_.layers->Blobs(id))) {
      if (Fits(blob) && engine_.content->Contains(blob)) {
        layer.blob = std::move(blob);
        return std::optional(CacheLayerOf(layer));
      }
    }
    return std::optional<content::Descriptor>();
  }

  EngineState& engine_;
  exporter::ImageAttributes attributes_;
  std::map<snapshot::LayerId, content::Descriptor> known_;
};

}  // namespace

Result<> JobState::CheckCacheExport(const CacheEntry& entry) const {
  LOAM_TRY(cache::ReadExportSettings(entry.attributes));
  if (entry.type != "inline") {
    LOAM_TRY_CONTEXT(fmt::format("failed to configure {} cache exporter", entry.type),
                     cache::OpenCacheTarget(entry.type, entry.attributes, CacheServices()));
  }
  return {};
}

Result<std::map<std::string, std::string>> JobState::ExportCache(std::span<const PlatformResult> results,
                                                                 const CacheEntry& entry, std::stop_token stop) {
  const cache::CacheExportSettings settings = LOAM_TRY(cache::ReadExportSettings(entry.attributes));
  const auto target = LOAM_TRY(cache::OpenCacheTarget(entry.type, entry.attributes, CacheServices()));
  std::map<std::string, std::string> response;
  const Result<> exported = Step(target->Name(), [&](solver::ProgressWriter& writer) -> Result<> {
    StatusProgress progress(writer, engine_->clock);
    progress.Started("preparing build cache for export");
    std::vector<std::vector<solver::CacheGraphNode>> graphs;
    std::vector<snapshot::FsRef> wanted;
    for (const PlatformResult& result : results) {
      graphs.push_back(LOAM_TRY(GraphOf(result.definition)));
      for (const solver::CacheGraphNode& node : graphs.back()) {
        if (settings.mode == cache::CacheMode::kMax || &node == &graphs.back().back()) {
          if (auto fs = LOAM_TRY(CacheCollector::ResultOf(*engine_, node))) {
            wanted.push_back(std::move(*fs));
          }
        }
      }
    }
    ResultLayers layers(*engine_, settings);
    LOAM_TRY(layers.Make(wanted, ServicesForExport(), progress, stop));
    cache::CacheChains chains;
    CacheCollector collector(
        *engine_, chains, [&](const snapshot::FsRef& fs) { return layers.Of(fs); },
        [&](const solver::CacheGraphNode::Imported& imported) -> Result<std::optional<cache::ExportedResult>> {
          std::optional<cache::ExportedResult> result = LOAM_TRY(FetchImported(imported, stop));
          return result && layers.Fit(result->layers) ? std::move(result) : std::nullopt;
        });
    for (const auto& graph : graphs) {
      LOAM_TRY(collector.Add(graph));
    }
    const cache::MarshalledCache cache = chains.Marshal();
    progress.Finished("preparing build cache for export");
    if (cache.config.layers.empty()) {
      progress.Started("skipping cache export for empty result");
      progress.Finished("skipping cache export for empty result");
      return {};
    }
    progress.Started("sending cache export");
    const cache::StepFunction step = [&](const std::string& name, const std::function<Result<>()>& body) -> Result<> {
      progress.Started(name);
      LOAM_TRY(body());
      progress.Finished(name);
      return {};
    };
    response = LOAM_TRY(target->Write(cache, step, stop));
    progress.Finished("sending cache export");
    return {};
  });
  if (!exported && !(settings.ignore_error && !stop.stop_requested())) {
    return Unexpected(exported.error());
  }
  return response;
}

}  // namespace loam::engine
