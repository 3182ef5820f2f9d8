#include "runtime-executor/cache/remote/cache_chains.h"

#include <algorithm>
#include <iterator>

namespace loam::cache {
namespace {

// Sorts layers and records and renumbers what points to them.
void SortLayers(CacheConfig& config) {
  std::vector<std::size_t> order(config.layers.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const CacheLayer& left = config.layers[a];
    const CacheLayer& right = config.layers[b];
    return std::tie(left.blob, left.parent) < std::tie(right.blob, right.parent);
  });
  std::vector<std::size_t> place(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = i;
  }
  std::vector<CacheLayer> layers;
  for (const std::size_t old : order) {
    CacheLayer layer = config.layers[old];
    if (layer.parent >= 0) {
      layer.parent = static_cast<std::int64_t>(place[static_cast<std::size_t>(layer.parent)]);
    }
    layers.push_back(std::move(layer));
  }
  config.layers = std::move(layers);
  for (CacheConfig::Record& record : config.records) {
    for (CacheConfig::LayerResult& result : record.results) {
      result.layer = place[result.layer];
    }
  }
}

// By digest, then by the shape and digests of the inputs.
bool RecordBefore(const CacheConfig& config, const CacheConfig::Record& a, const CacheConfig::Record& b) {
  if (a.digest != b.digest) {
    return a.digest < b.digest;
  }
  if (a.inputs.size() != b.inputs.size()) {
    return a.inputs.size() < b.inputs.size();
  }
  for (std::size_t i = 0; i < a.inputs.size(); ++i) {
    if (a.inputs[i].size() != b.inputs[i].size()) {
      return a.inputs[i].size() < b.inputs[i].size();
    }
    for (std::size_t j = 0; j < a.inputs[i].size(); ++j) {
      const CacheConfig::Input& left = a.inputs[i][j];
      const CacheConfig::Input& right = b.inputs[i][j];
      if (left.selector != right.selector) {
        return left.selector < right.selector;
      }
      const Digest& left_digest = config.records[left.link].digest;
      const Digest& right_digest = config.records[right.link].digest;
      if (left_digest != right_digest) {
        return left_digest < right_digest;
      }
    }
  }
  return false;
}

void SortRecords(CacheConfig& config) {
  std::vector<std::size_t> order(config.records.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return RecordBefore(config, config.records[a], config.records[b]);
  });
  std::vector<std::size_t> place(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = i;
  }
  std::vector<CacheConfig::Record> records;
  for (const std::size_t old : order) {
    CacheConfig::Record record = config.records[old];
    for (std::vector<CacheConfig::Input>& input : record.inputs) {
      for (CacheConfig::Input& link : input) {
        link.link = place[link.link];
      }
      std::sort(input.begin(), input.end(), [](const auto& a, const auto& b) {
        return std::tie(a.link, a.selector) < std::tie(b.link, b.selector);
      });
    }
    records.push_back(std::move(record));
  }
  config.records = std::move(records);
}

}  // namespace

CacheChains::Item CacheChains::AddRoot(const Digest& key) {
  const auto [found, is_new] = roots_.try_emplace(key, nodes_.size());
  if (is_new) {
    nodes_.push_back({key, {}, std::nullopt});
    below_.emplace_back();
  }
  return found->second;
}

std::set<CacheChains::Item> CacheChains::Descendants(Item item) const {
  std::set<Item> seen{item};
  std::vector<Item> stack{item};
  while (!stack.empty()) {
    const Item current = stack.back();
    stack.pop_back();
    for (const Item child : below_[current]) {
      if (seen.insert(child).second) {
        stack.push_back(child);
      }
    }
  }
  return seen;
}

std::optional<CacheChains::Item> CacheChains::Add(const Digest& key, const std::vector<std::vector<Link>>& inputs) {
  if (inputs.empty()) {
    return AddRoot(key);
  }
  // An item that every input already leads to is this one.
  std::set<Item> same;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].empty()) {
      return std::nullopt;
    }
    std::set<Item> candidates;
    for (const Link& link : inputs[i]) {
      const auto found = children_.find({link.source, i, link.selector, key});
      if (found != children_.end()) {
        candidates.insert(found->second.begin(), found->second.end());
      }
    }
    if (i == 0) {
      same = std::move(candidates);
    } else {
      std::set<Item> both;
      std::set_intersection(same.begin(), same.end(), candidates.begin(), candidates.end(),
                            std::inserter(both, both.begin()));
      same = std::move(both);
    }
  }
  const bool is_new = same.empty();
  const Item item = is_new ? nodes_.size() : *same.begin();
  if (is_new) {
    nodes_.push_back({key, std::vector<std::set<Link>>(inputs.size()), std::nullopt});
    below_.emplace_back();
  }
  // No links from what is made of it.
  const std::set<Item> forbidden = is_new ? std::set<Item>{item} : Descendants(item);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (const Link& link : inputs[i]) {
      if (!forbidden.contains(link.source)) {
        nodes_[item].parents[i].insert(link);
        children_[{link.source, i, link.selector, key}].insert(item);
        below_[link.source].insert(item);
      }
    }
  }
  return item;
}

void CacheChains::AddResult(Item item, ExportedResult result) {
  std::optional<ExportedResult>& best = nodes_[item].best;
  if (!result.layers.empty() && (!best || best->created < result.created)) {
    best = std::move(result);
  }
}

MarshalledCache CacheChains::Marshal() const {
  MarshalledCache cache;
  std::map<std::pair<Digest, std::int64_t>, std::size_t> layer_of;
  for (const Node& node : nodes_) {
    CacheConfig::Record record;
    record.digest = node.key;
    for (const std::set<Link>& input : node.parents) {
      std::vector<CacheConfig::Input>& links = record.inputs.emplace_back();
      for (const Link& link : input) {
        links.push_back({link.selector, link.source});
      }
      // Compared before they are renumbered: the order must not depend on the order of addition.
      std::sort(links.begin(), links.end(), [&](const auto& a, const auto& b) {
        return std::tie(a.selector, nodes_[a.link].key) < std::tie(b.selector, nodes_[b.link].key);
      });
    }
    if (node.best) {
      std::int64_t parent = -1;
      for (const content::Descriptor& layer : node.best->layers) {
        cache.blobs[layer.digest] = layer;
        const auto [found, is_new] = layer_of.try_emplace({layer.digest, parent}, cache.config.layers.size());
        if (is_new) {
          cache.config.layers.push_back({layer.digest, parent, std::nullopt});
        }
        parent = static_cast<std::int64_t>(found->second);
      }
      record.results.push_back({static_cast<std::size_t>(parent), FormatRfc3339(node.best->created)});
    }
    cache.config.records.push_back(std::move(record));
  }
  SortLayers(cache.config);
  SortRecords(cache.config);
  return cache;
}

}  // namespace loam::cache
