#include "runtime-executor/engine/cache_collector.h"

#include <algorithm>

#include "runtime-executor/cache/remote/imported_chains.h"
#include "runtime-executor/cache/remote/inline_cache.h"
#include "runtime-executor/ops/fs_result.h"

namespace loam::engine {
namespace {

// Longer ways through the history of a cache are left out.
constexpr int kDeepestBacklink = 2000;

}  // namespace

std::optional<cache::ExportedResult> ResultInImport(const solver::CacheGraphNode::Imported& imported, WallTime now) {
  const auto* const chains = dynamic_cast<const cache::ImportedChains*>(&imported.import->cache());
  if (chains == nullptr || !chains->HasResult(imported.node)) {
    return std::nullopt;
  }
  return cache::ExportedResult{chains->Created(imported.node).value_or(now), chains->LayersOf(imported.node)};
}

content::Descriptor CacheLayerOf(const exporter::LayerBlob& layer) {
  content::Descriptor descriptor = layer.blob;
  descriptor.annotations[std::string(cache::kUncompressedAnnotation)] = layer.diff_id.ToString();
  descriptor.annotations[std::string(cache::kCreatedAnnotation)] = FormatRfc3339(layer.created);
  return descriptor;
}

Result<std::optional<snapshot::FsRef>> CacheCollector::KnownResult(EngineState& engine,
                                                                   const solver::CacheGraphNode& node) {
  if (node.result != nullptr) {
    return std::optional(ops::FsOf(node.result));
  }
  for (const solver::CacheRecord& record : node.records) {
    Result<solver::ResultPtr> loaded = engine.results->Load(record.blob);
    if (loaded) {
      return std::optional(ops::FsOf(*loaded));
    }
    if (!loaded.error().Is(ErrorCode::kNotFound)) {
      return Unexpected(std::move(loaded).error());
    }
  }
  return std::optional<snapshot::FsRef>();
}

Result<std::optional<snapshot::FsRef>> CacheCollector::ResultOf(EngineState& engine,
                                                                const solver::CacheGraphNode& node) {
  // A source is fetched again rather than kept twice.
  if (node.inputs.empty() || node.op_digest.empty() || !node.export_cache.value_or(true)) {
    return std::optional<snapshot::FsRef>();
  }
  std::optional<snapshot::FsRef> fs = LOAM_TRY(KnownResult(engine, node));
  return fs && fs->is_host_tree() ? std::optional<snapshot::FsRef>() : fs;
}

Result<CacheCollector::Items> CacheCollector::AddBacklinks(solver::KeyId key, int depth) {
  // What is being looked at leads to itself: no way.
  const auto [found, is_new] = backlinks_.try_emplace(key);
  if (!is_new || depth > kDeepestBacklink) {
    return found->second;
  }
  Items items;
  using Target = std::pair<Digest, std::uint32_t>;
  std::map<Target, std::vector<std::vector<cache::CacheChains::Link>>> ways;
  const std::vector<solver::Backlink> backlinks = LOAM_TRY(engine_.records->Backlinks(key));
  for (const solver::Backlink& backlink : backlinks) {
    auto& inputs = ways[{backlink.op_digest, backlink.output}];
    inputs.resize(std::max<std::size_t>(inputs.size(), backlink.link.input + 1));
    for (const cache::CacheChains::Item source : LOAM_TRY(AddBacklinks(backlink.link.source, depth + 1))) {
      inputs[backlink.link.input].push_back({source, backlink.link.selector});
    }
  }
  if (backlinks.empty()) {
    if (const auto root = LOAM_TRY(engine_.records->RootOf(key))) {
      items.insert(chains_.AddRoot(solver::OutputKey(root->digest, root->output)));
    }
  }
  for (const auto& [target, inputs] : ways) {
    if (const auto item =
            chains_.Add(solver::OutputKey(target.first, static_cast<std::int32_t>(target.second)), inputs)) {
      items.insert(*item);
    }
  }
  backlinks_[key] = items;
  return items;
}

CacheCollector::Items CacheCollector::AddImported(const solver::CacheGraphNode::Imported& key, int depth) {
  const std::pair id(key.import.get(), key.node);
  const auto [found, is_new] = imported_backlinks_.try_emplace(id);
  if (!is_new || depth > kDeepestBacklink) {
    return found->second;
  }
  const solver::ImportedCache& cache = key.import->cache();
  Items items;
  const auto backlinks = cache.Backlinks(key.node);
  std::vector<std::vector<cache::CacheChains::Link>> inputs;
  for (const auto& backlink : backlinks) {
    inputs.resize(std::max<std::size_t>(inputs.size(), backlink.input + 1));
    for (const cache::CacheChains::Item source : AddImported({key.import, backlink.source}, depth + 1)) {
      inputs[backlink.input].push_back({source, backlink.selector});
    }
  }
  if (const auto item = chains_.Add(cache.OutputKeyOf(key.node), inputs)) {
    items.insert(*item);
  }
  imported_backlinks_[id] = items;
  return items;
}

Result<> CacheCollector::Add(const std::vector<solver::CacheGraphNode>& graph) {
  std::vector<Items> items_of(graph.size());
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const solver::CacheGraphNode& node = graph[i];
    if (node.op_digest.empty()) {
      continue;
    }
    for (const solver::KeyId key : node.keys) {
      LOAM_TRY(AddBacklinks(key, 0));
    }
    for (const solver::CacheGraphNode::Imported& imported : node.imported) {
      AddImported(imported, 0);
    }
    const auto output = static_cast<std::int32_t>(node.output);
    const Digest key = solver::OutputKey(node.op_digest, output);
    if (node.inputs.empty()) {
      items_of[i].insert(chains_.AddRoot(key));
      for (const Digest& other : node.other_digests) {
        items_of[i].insert(chains_.AddRoot(solver::OutputKey(other, output)));
      }
      continue;
    }
    std::vector<std::vector<cache::CacheChains::Link>> inputs;
    for (const solver::CacheGraphNode::Input& input : node.inputs) {
      auto& links = inputs.emplace_back();
      for (const cache::CacheChains::Item source : items_of[input.node]) {
        links.push_back({source, input.selector});
      }
      if (!input.content.empty()) {
        links.push_back({chains_.AddRoot(solver::OutputKey(input.content, -1)), Digest()});
      }
    }
    const auto item = chains_.Add(key, inputs);
    if (!item) {
      continue;
    }
    items_of[i].insert(*item);
    const auto fs = LOAM_TRY(ResultOf(engine_, node));
    if (!fs && node.export_cache.value_or(true)) {
      for (const solver::CacheGraphNode::Imported& imported : node.imported) {
        if (auto result = LOAM_TRY(imported_(imported))) {
          chains_.AddResult(*item, std::move(*result));
          break;
        }
      }
    }
    if (fs) {
      if (auto layers = LOAM_TRY(layers_(*fs))) {
        const WallTime created = node.records.empty() ? engine_.clock.Now() : node.records.front().created;
        chains_.AddResult(*item, {created, std::move(*layers)});
      }
    }
  }
  return {};
}

Result<std::string> InlineCacheOf(EngineState& engine, const std::vector<solver::CacheGraphNode>& graph,
                                  const snapshot::FsRef& fs, const std::vector<exporter::LayerBlob>& blobs) {
  std::map<snapshot::LayerId, content::Descriptor> of_image;
  std::vector<Digest> image_layers;
  const std::vector<snapshot::LayerId> ids = fs.layer_ids();
  if (ids.size() != blobs.size()) {
    return std::string();  // a host directory: its layer is nobody's cached result
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    of_image[ids[i]] = CacheLayerOf(blobs[i]);
    image_layers.push_back(blobs[i].blob.digest);
  }
  cache::CacheChains chains;
  CacheCollector collector(
      engine, chains,
      [&](const snapshot::FsRef& result) -> Result<std::optional<std::vector<content::Descriptor>>> {
        std::vector<content::Descriptor> layers;
        for (const snapshot::LayerId id : result.layer_ids()) {
          const auto found = of_image.find(id);
          if (found == of_image.end()) {
            return std::optional<std::vector<content::Descriptor>>();
          }
          layers.push_back(found->second);
        }
        return std::optional(std::move(layers));
      },
      [&](const solver::CacheGraphNode::Imported& imported) -> Result<std::optional<cache::ExportedResult>> {
        std::optional<cache::ExportedResult> result = ResultInImport(imported, engine.clock.Now());
        for (const content::Descriptor& layer : result ? result->layers : std::vector<content::Descriptor>()) {
          if (std::find(image_layers.begin(), image_layers.end(), layer.digest) == image_layers.end()) {
            return std::optional<cache::ExportedResult>();
          }
        }
        return result;
      });
  LOAM_TRY(collector.Add(graph));
  return cache::InlineCacheRecords(chains.Marshal(), image_layers);
}

}  // namespace loam::engine
