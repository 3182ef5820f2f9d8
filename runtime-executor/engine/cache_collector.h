// CacheCollector: from the graph of a build to the chains of a cache, as BuildKit's exporter collects them: the keys of
// every step, also those by which earlier builds found it, and results.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime-executor/cache/remote/cache_chains.h"
#include "runtime-executor/engine/engine_state.h"
#include "runtime-executor/exporter/layers.h"
#include "runtime-executor/solver/imported_cache.h"
#include "runtime-executor/solver/job.h"

namespace loam::engine {

// The layers of a result as the cache has them, or nullopt: the cache does not have all.
using LayersOfResult = std::function<Result<std::optional<std::vector<content::Descriptor>>>(const snapshot::FsRef&)>;

// The result of a node of an import that this build did not load, or nullopt: it cannot be had, or shall not be.
using ImportedResult =
    std::function<Result<std::optional<cache::ExportedResult>>(const solver::CacheGraphNode::Imported&)>;

class CacheCollector {
 public:
  CacheCollector(EngineState& engine, cache::CacheChains& chains, LayersOfResult layers, ImportedResult imported)
      : engine_(engine), chains_(chains), layers_(std::move(layers)), imported_(std::move(imported)) {}

  // Inputs before their users.
  Result<> Add(const std::vector<solver::CacheGraphNode>& graph);

  // The node's result, of this build or out of the engine's cache; nullopt: neither has it.
  static Result<std::optional<snapshot::FsRef>> KnownResult(EngineState& engine, const solver::CacheGraphNode& node);
  // The result of a node that goes into a cache; nullopt: none does.
  static Result<std::optional<snapshot::FsRef>> ResultOf(EngineState& engine, const solver::CacheGraphNode& node);

 private:
  using Items = std::set<cache::CacheChains::Item>;
  // Items for everything by which a key of the engine's own cache is found.
  Result<Items> AddBacklinks(solver::KeyId key, int depth);
  // The same of a key of an import.
  Items AddImported(const solver::CacheGraphNode::Imported& key, int depth);

  EngineState& engine_;
  cache::CacheChains& chains_;
  const LayersOfResult layers_;
  const ImportedResult imported_;
  std::map<solver::KeyId, Items> backlinks_;
  std::map<std::pair<const solver::CacheImport*, std::uint32_t>, Items> imported_backlinks_;
};

// What an import has for one of its nodes; nullopt: nothing.
std::optional<cache::ExportedResult> ResultInImport(const solver::CacheGraphNode::Imported& imported, WallTime now);

// A layer of a cache: the blob with its annotations.
content::Descriptor CacheLayerOf(const exporter::LayerBlob& layer);

// JSON for the image's config; "" if there is nothing to say. `blobs` are those of the layers of `fs`, in their order.
Result<std::string> InlineCacheOf(EngineState& engine, const std::vector<solver::CacheGraphNode>& graph,
                                  const snapshot::FsRef& fs, const std::vector<exporter::LayerBlob>& blobs);

}  // namespace loam::engine
