// ImportedChains: configs of remote caches as the solver looks things up in them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "runtime-executor/cache/remote/cache_config.h"
#include "runtime-executor/content/descriptor.h"
#include "runtime-executor/solver/imported_cache.h"

namespace loam::cache {

// A config and the blobs that the cache has.
struct ReadCache {
  CacheConfig config;
  std::map<Digest, content::Descriptor> blobs;
};

// Makes a result of a cache's layers, bottom to top.
using LoadLayers = std::function<Result<solver::ResultPtr>(const std::vector<content::Descriptor>& layers,
                                                           const std::shared_ptr<solver::OpContext>& context)>;

// One cache, as the solver looks things up in it, with the layers of its results.
class ImportedChains : public solver::ImportedCache {
 public:
  // Bottom to top; empty: the node has no result.
  [[nodiscard]] virtual const std::vector<content::Descriptor>& LayersOf(Node node) const = 0;
};

// Several configs (an inline cache has one a platform) are one cache. kInvalidArgument if records loop.
Result<std::shared_ptr<ImportedChains>> MakeImportedChains(const std::vector<ReadCache>& caches, LoadLayers load);

}  // namespace loam::cache
