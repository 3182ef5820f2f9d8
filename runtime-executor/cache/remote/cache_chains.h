// CacheChains: what a cache export collects, made into a config. Items are cache keys; an item that is added again by
// other keys of the same inputs is one item with all of them. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "runtime-executor/cache/remote/cache_config.h"
#include "runtime-executor/content/descriptor.h"

namespace loam::cache {

struct ExportedResult {
  WallTime created;
  // Bottom to top, with the annotations of a cache's layers.
  std::vector<content::Descriptor> layers;
};

struct MarshalledCache {
  CacheConfig config;
  std::map<Digest, content::Descriptor> blobs;
};

class CacheChains {
 public:
  using Item = std::size_t;
  struct Link {
    Item source = 0;
    Digest selector;
    friend auto operator<=>(const Link&, const Link&) = default;
  };

  // `key` is solver::OutputKey of an operation or content. A root with the same key is the same item.
  Item AddRoot(const Digest& key);
  // nullopt if an input has no link.
  std::optional<Item> Add(const Digest& key, const std::vector<std::vector<Link>>& inputs);
  void AddResult(Item item, ExportedResult result);

  // Deterministic: depends on what was added, not on the order.
  [[nodiscard]] MarshalledCache Marshal() const;

 private:
  struct Node {
    Digest key;
    std::vector<std::set<Link>> parents;
    std::optional<ExportedResult> best;  // the newest
  };
  // source, input, selector, key of the target
  using Way = std::tuple<Item, std::size_t, Digest, Digest>;

  [[nodiscard]] std::set<Item> Descendants(Item item) const;

  std::vector<Node> nodes_;
  std::map<Digest, Item> roots_;
  std::map<Way, std::set<Item>> children_;
  std::vector<std::set<Item>> below_;  // direct children of each item
};

}  // namespace loam::cache
