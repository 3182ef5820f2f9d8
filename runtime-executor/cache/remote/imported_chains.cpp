#include "runtime-executor/cache/remote/imported_chains.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/rfc3339.h"

namespace loam::cache {
namespace {

using Node = solver::ImportedCache::Node;

struct WayHash {
  std::size_t operator()(const std::tuple<Node, std::uint32_t, Digest, Digest>& way) const noexcept {
    const auto& [source, input, selector, key] = way;
    return std::hash<Digest>()(key) ^ (std::hash<Digest>()(selector) * 31) ^ (std::size_t{source} << 8U) ^ input;
  }
};

class Chains final : public ImportedChains {
 public:
  explicit Chains(LoadLayers load) : load_(std::move(load)) {}

  void Add(const ReadCache& cache) {
    const CacheConfig& config = cache.config;
    std::vector<Node> node_of(config.records.size());
    for (std::size_t i = 0; i < config.records.size(); ++i) {
      const CacheConfig::Record& record = config.records[i];
      if (record.inputs.empty()) {
        const auto [found, is_new] = roots_.try_emplace(record.digest, static_cast<Node>(results_.size()));
        node_of[i] = found->second;
        if (!is_new) {
          continue;
        }
      } else {
        node_of[i] = static_cast<Node>(results_.size());
      }
      results_.emplace_back();
      keys_.push_back(record.digest);
      backlinks_.emplace_back();
    }
    for (std::size_t i = 0; i < config.records.size(); ++i) {
      const CacheConfig::Record& record = config.records[i];
      for (std::uint32_t input = 0; input < record.inputs.size(); ++input) {
        for (const CacheConfig::Input& link : record.inputs[input]) {
          links_[{node_of[link.link], input, link.selector, record.digest}].push_back(node_of[i]);
          backlinks_[node_of[i]].push_back({node_of[link.link], input, link.selector});
        }
      }
      Best& best = results_[node_of[i]];
      const auto consider = [&](std::vector<content::Descriptor> layers, const std::string& created) {
        if (!layers.empty() && (best.layers.empty() || created > best.created)) {
          best = {std::move(layers), created};
        }
      };
      for (const CacheConfig::LayerResult& result : record.results) {
        consider(StackOf(cache, result.layer), result.created);
      }
      for (const CacheConfig::ChainResult& chain : record.chains) {
        consider(LayersOf(cache, chain.layers), chain.created);
      }
    }
  }

  [[nodiscard]] std::optional<Node> FindRoot(const Digest& output_key) const override {
    const auto found = roots_.find(output_key);
    return found == roots_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::vector<Node> FindLinked(Node source, std::uint32_t input, const Digest& selector,
                                             const Digest& output_key) const override {
    const auto found = links_.find({source, input, selector, output_key});
    return found == links_.end() ? std::vector<Node>() : found->second;
  }
  [[nodiscard]] bool HasResult(Node node) const override { return !results_[node].layers.empty(); }
  [[nodiscard]] Digest OutputKeyOf(Node node) const override { return keys_[node]; }
  [[nodiscard]] std::vector<Backlink> Backlinks(Node node) const override { return backlinks_[node]; }
  [[nodiscard]] const std::vector<content::Descriptor>& LayersOf(Node node) const override {
    return results_[node].layers;
  }
  [[nodiscard]] std::optional<WallTime> Created(Node node) const override {
    const Result<Instant> created = ParseRfc3339(results_[node].created);
    return created ? std::optional(created->ToWallTime()) : std::nullopt;
  }
  Result<solver::ResultPtr> Load(Node node, const std::shared_ptr<solver::OpContext>& context) override {
    return load_(results_[node].layers, context);
  }

 private:
  // The newest result of a node; no layers: it has none.
  struct Best {
    std::vector<content::Descriptor> layers;
    std::string created;  // RFC 3339
  };

  // The layer with all below it; empty if one of them is not in the cache, or they loop.
  static std::vector<content::Descriptor> StackOf(const ReadCache& cache, std::size_t top) {
    std::vector<std::size_t> layers;
    for (auto next = static_cast<std::int64_t>(top); next >= 0;
         next = cache.config.layers[static_cast<std::size_t>(next)].parent) {
      if (layers.size() > cache.config.layers.size()) {
        return {};
      }
      layers.push_back(static_cast<std::size_t>(next));
    }
    std::reverse(layers.begin(), layers.end());
    return LayersOf(cache, layers);
  }
  static std::vector<content::Descriptor> LayersOf(const ReadCache& cache, const std::vector<std::size_t>& layers) {
    std::vector<content::Descriptor> blobs;
    for (const std::size_t layer : layers) {
      const auto blob = cache.blobs.find(cache.config.layers[layer].blob);
      if (blob == cache.blobs.end()) {
        return {};
      }
      blobs.push_back(blob->second);
    }
    return blobs;
  }

  const LoadLayers load_;
  // By node.
  std::vector<Best> results_;
  std::vector<Digest> keys_;
  std::vector<std::vector<Backlink>> backlinks_;
  std::unordered_map<Digest, Node> roots_;
  std::unordered_map<std::tuple<Node, std::uint32_t, Digest, Digest>, std::vector<Node>, WayHash> links_;
};

// Records are followed from their inputs up only, so a loop could not be walked into; a cache that has one is broken.
Result<> CheckLoops(const CacheConfig& config) {
  enum class Mark : std::uint8_t { kNew, kOpen, kDone };
  std::vector<Mark> marks(config.records.size(), Mark::kNew);
  for (std::size_t start = 0; start < config.records.size(); ++start) {
    if (marks[start] != Mark::kNew) {
      continue;
    }
    std::vector<std::pair<std::size_t, std::vector<std::size_t>>> stack;
    const auto enter = [&](std::size_t index) {
      std::vector<std::size_t> below;
      for (const auto& input : config.records[index].inputs) {
        for (const CacheConfig::Input& link : input) {
          below.push_back(link.link);
        }
      }
      marks[index] = Mark::kOpen;
      stack.emplace_back(index, std::move(below));
    };
    enter(start);
    while (!stack.empty()) {
      auto& [index, below] = stack.back();
      if (below.empty()) {
        marks[index] = Mark::kDone;
        stack.pop_back();
        continue;
      }
      const std::size_t next = below.back();
      below.pop_back();
      if (marks[next] == Mark::kOpen) {
        return Unexpected(ErrorCode::kInvalidArgument, "this is no build cache: its records loop");
      }
      if (marks[next] == Mark::kNew) {
        enter(next);
      }
    }
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<ImportedChains>> MakeImportedChains(const std::vector<ReadCache>& caches, LoadLayers load) {
  auto chains = std::make_shared<Chains>(std::move(load));
  for (const ReadCache& cache : caches) {
    LOAM_TRY(CheckLoops(cache.config));
    chains->Add(cache);
  }
  return std::shared_ptr<ImportedChains>(std::move(chains));
}

}  // namespace loam::cache
