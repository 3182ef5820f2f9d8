// The cache's graph of keys, as the scheduler reads it.
#include <algorithm>
#include <iterator>
#include <tuple>

#include <fmt/format.h>

#include "runtime-executor/solver/solver_core.h"

namespace loam::solver {

namespace {

std::vector<KeyLink> LinksOf(const VertexState& state, std::size_t index, bool stored) {
  const InputState& input = state.inputs[index];
  const EdgeState& edge = input.edge();
  std::vector<KeyLink> links;
  for (const KeyId key : stored ? edge.store_keys : edge.match_keys) {
    links.push_back({key, static_cast<std::uint32_t>(index), state.cache_map.inputs[index].selector});
  }
  if (input.content_key) {
    links.push_back({*input.content_key, static_cast<std::uint32_t>(index), Digest()});
    if (!stored && !state.imports.empty()) {
      const Digest content = OutputKey(input.content_digest, -1);
      for (const auto& import : state.imports) {
        if (const auto node = import->cache().FindRoot(content)) {
          links.push_back({import->KeyOf(*node), static_cast<std::uint32_t>(index), Digest()});
        }
      }
    }
  }
  return links;
}

void SortUnique(std::vector<KeyId>& keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
}

}  // namespace

void SolverCore::StorageFailed(VertexState& state, Error error) {
  Fail(state, std::move(error).Wrap("read the build cache"), true);
}

std::vector<KeyId> SolverCore::Candidates(VertexState& state, std::uint32_t index, std::size_t input) {
  std::vector<KeyId> found;
  for (const KeyLink& link : LinksOf(state, input, false)) {
    Result<std::vector<KeyId>> linked = Linked(state, link, index);
    if (!linked) {
      StorageFailed(state, std::move(linked).error());
      return {};
    }
    found.insert(found.end(), linked->begin(), linked->end());
  }
  SortUnique(found);
  return found;
}

std::vector<KeyId> SolverCore::FindKeys(VertexState& state, std::uint32_t index, bool add_links) {
  if (state.cache_map.transient) {
    return {};
  }
  if (state.inputs.empty()) {
    std::vector<Digest> digests{state.cache_map.digest};
    digests.insert(digests.end(), state.cache_map.other_digests.begin(), state.cache_map.other_digests.end());
    std::vector<KeyId> roots;
    for (const Digest& digest : digests) {
      Result<std::vector<KeyId>> found = Roots(state, {digest, static_cast<std::int32_t>(index)});
      if (!found) {
        StorageFailed(state, std::move(found).error());
        return {};
      }
      roots.insert(roots.end(), found->begin(), found->end());
    }
    SortUnique(roots);
    return roots;
  }
  std::vector<KeyId> matches;
  for (std::size_t i = 0; i < state.inputs.size(); ++i) {
    const std::vector<KeyId> candidates = Candidates(state, index, i);
    if (i == 0) {
      matches = candidates;
    } else {
      std::vector<KeyId> both;
      std::set_intersection(matches.begin(), matches.end(), candidates.begin(), candidates.end(),
                            std::back_inserter(both));
      matches = std::move(both);
    }
    if (matches.empty()) {
      return {};
    }
  }
  // A match that came by content becomes one by definition, so that the next build need not look at the content.
  if (add_links) {
    for (const KeyId match : matches) {
      if (IsImported(match)) {
        continue;
      }
      NewRecord record;
      record.key = match;
      record.op_digest = state.cache_map.digest;
      record.output = index;
      for (std::size_t i = 0; i < state.inputs.size(); ++i) {
        for (const KeyLink& link : LinksOf(state, i, false)) {
          if (IsImported(link.source)) {
            continue;
          }
          const Result<std::vector<KeyId>> linked = storage_.FindLinked(link, state.cache_map.digest, index);
          if (linked && !std::binary_search(linked->begin(), linked->end(), match)) {
            record.links.push_back(link);
          }
        }
      }
      if (!record.links.empty()) {
        AddLinks(std::move(record));
      }
    }
  }
  return matches;
}

void SolverCore::FindRecords(VertexState& state, std::uint32_t index) {
  EdgeState& edge = state.edges[index];
  for (const KeyId key : edge.match_keys) {
    if (IsImported(key)) {
      continue;
    }
    Result<std::vector<CacheRecord>> records = storage_.Records(key);
    if (!records) {
      StorageFailed(state, std::move(records).error());
      return;
    }
    for (CacheRecord& record : *records) {
      if (std::find(edge.lost.begin(), edge.lost.end(), record.id) == edge.lost.end()) {
        edge.records.push_back(std::move(record));
      }
    }
  }
  // The best is the last: the newest, whichever key it is kept under. A build without cache makes keys of its own.
  std::sort(edge.records.begin(), edge.records.end(), [](const CacheRecord& a, const CacheRecord& b) {
    return std::tuple(a.created, a.id) < std::tuple(b.created, b.id);
  });
  // What is here comes first, then the imports in their order.
  for (const auto& import : state.imports) {
    for (const KeyId key : edge.match_keys) {
      const auto node = import->NodeOf(key);
      if (!node || !import->cache().HasResult(*node)) {
        continue;
      }
      const RecordId id = import->RecordOf(*node);
      if (std::find(edge.lost.begin(), edge.lost.end(), id) == edge.lost.end()) {
        edge.records.insert(edge.records.begin(), {id, {}, {}});
      }
    }
  }
}

NewRecord SolverCore::RecordFor(const VertexState& state, std::uint32_t index, bool& cacheable) const {
  NewRecord record;
  record.op_digest = state.cache_map.digest;
  record.output = index;
  record.description = state.vertex->name;
  cacheable = !state.cache_map.transient;
  if (state.inputs.empty()) {
    record.root = RootKey{state.cache_map.digest, static_cast<std::int32_t>(index)};
  }
  for (std::size_t i = 0; i < state.inputs.size(); ++i) {
    std::vector<KeyLink> links = LinksOf(state, i, true);
    // An input without any key: the result cannot be found again.
    cacheable = cacheable && !links.empty();
    record.links.insert(record.links.end(), links.begin(), links.end());
  }
  if (index < state.edges.size() && !record.root) {
    record.key = state.edges[index].OwnMatch();
  }
  return record;
}

std::string SolverCore::WorkKey(const VertexState& state) const {
  if (state.cache_map.transient) {
    return {};
  }
  std::string key = state.cache_map.digest.Hex();
  for (std::size_t i = 0; i < state.inputs.size(); ++i) {
    std::vector<KeyLink> links = LinksOf(state, i, true);
    if (links.empty()) {
      return {};
    }
    // The content's key alone names the input, if there is one.
    if (state.inputs[i].content_key) {
      links.erase(links.begin(), links.end() - 1);
    }
    for (const KeyLink& link : links) {
      key += fmt::format("/{}.{}.{}", i, link.source.value(), link.selector.Hex());
    }
  }
  return key;
}

}  // namespace loam::solver
