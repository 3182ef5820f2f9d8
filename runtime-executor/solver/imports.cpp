// Caches of clients beside the solver's own: looked up in keys.cpp like it, but read-only. What is loaded from one is
// recorded in the solver's storage, with keys for everything below it, as if it had been made here.
#include <algorithm>
#include <map>
#include <utility>

#include "base/check.h"
#include "runtime-executor/solver/solver_core.h"

namespace loam::solver {
namespace {

const CacheImport* ImportOf(const VertexState& state, KeyId key) {
  for (const auto& import : state.imports) {
    if (import->NodeOf(key)) {
      return import.get();
    }
  }
  return nullptr;
}

// Keys that are to be made in the solver's storage for outputs that so far are known from an import only. Planned on
// the strand, made by a task.
struct KeyPlan {
  struct PendingLink {
    std::size_t item;
    std::uint32_t input;
    Digest selector;
  };
  struct Item {
    std::shared_ptr<VertexState> state;
    std::uint32_t index = 0;
    NewRecord record;
    std::vector<PendingLink> pending;
    std::vector<Digest> other_digests;
    std::vector<KeyId> made;
  };
  std::vector<Item> items;  // inputs first, the loaded output last; empty: it can have no key
};

using EdgeId = std::pair<VertexState*, std::uint32_t>;

class KeyPlanner {
 public:
  explicit KeyPlanner(const EdgeId& target) : target_(target) {}

  KeyPlan Run() {
    std::vector<std::pair<EdgeId, std::size_t>> stack{{target_, 0}};
    while (!stack.empty()) {
      auto& [edge, next] = stack.back();
      if (next < edge.first->inputs.size()) {
        const InputState& input = edge.first->inputs[next++];
        const EdgeId below{input.vertex, input.index};
        if (Known(below).empty() && !placed_.contains(below)) {
          stack.emplace_back(below, 0);
        }
        continue;
      }
      placed_.try_emplace(edge, Place(edge));
      stack.pop_back();
    }
    if (!placed_.at(target_)) {
      plan_.items.clear();
    }
    return std::move(plan_);
  }

 private:
  // Keys of the solver's own storage.
  static std::vector<KeyId> Known(const EdgeId& id) {
    const EdgeState& edge = id.first->edges[id.second];
    std::vector<KeyId> keys = edge.store_keys.empty() ? edge.match_keys : edge.store_keys;
    std::erase_if(keys, [](KeyId key) { return IsImported(key); });
    return keys;
  }

  // Its place in the plan; nullopt if it can have no key.
  std::optional<std::size_t> Place(const EdgeId& id) {
    VertexState& state = *id.first;
    if (state.cache_map.transient || state.cache_map_phase != Phase::kDone) {
      return std::nullopt;
    }
    KeyPlan::Item item;
    item.state = state.shared_from_this();
    item.index = id.second;
    item.record.op_digest = state.cache_map.digest;
    item.record.output = id.second;
    item.record.description = state.vertex->name;
    item.record.preimage = &state.cache_map.preimage;
    if (state.inputs.empty()) {
      item.record.root = RootKey{state.cache_map.digest, static_cast<std::int32_t>(id.second)};
      item.other_digests = state.cache_map.other_digests;
    } else {
      item.record.key = state.edges[id.second].OwnMatch();
    }
    for (std::uint32_t i = 0; i < state.inputs.size(); ++i) {
      const InputState& input = state.inputs[i];
      const Digest& selector = state.cache_map.inputs[i].selector;
      bool linked = false;
      for (const KeyId key : Known({input.vertex, input.index})) {
        item.record.links.push_back({key, i, selector});
        linked = true;
      }
      const auto below = placed_.find({input.vertex, input.index});
      if (!linked && below != placed_.end() && below->second) {
        item.pending.push_back({*below->second, i, selector});
        linked = true;
      }
      if (input.content_key) {
        item.record.links.push_back({*input.content_key, i, Digest()});
        linked = true;
      }
      if (!linked) {
        return std::nullopt;
      }
    }
    plan_.items.push_back(std::move(item));
    return plan_.items.size() - 1;
  }

  const EdgeId target_;
  std::map<EdgeId, std::optional<std::size_t>> placed_;
  KeyPlan plan_;
};

Result<> MakeKeys(KeyPlan& plan, CacheStorage& storage, const std::optional<StoredResult>& result,
                  const std::optional<WallTime>& created) {
  for (std::size_t i = 0; i < plan.items.size(); ++i) {
    KeyPlan::Item& item = plan.items[i];
    for (const KeyPlan::PendingLink& pending : item.pending) {
      for (const KeyId key : plan.items[pending.item].made) {
        item.record.links.push_back({key, pending.input, pending.selector});
      }
    }
    if (i + 1 == plan.items.size()) {
      item.record.result = result;
      item.record.created = created;
    }
    item.made.push_back(LOAM_TRY(storage.Add(item.record)));
    for (const Digest& digest : item.other_digests) {
      item.made.push_back(
          LOAM_TRY(storage.AddRoot({digest, static_cast<std::int32_t>(item.index)}, item.state->cache_map.preimage)));
    }
    std::sort(item.made.begin(), item.made.end());
  }
  return {};
}

}  // namespace

Result<std::vector<KeyId>> SolverCore::Linked(const VertexState& state, const KeyLink& link,
                                              std::uint32_t index) const {
  if (!IsImported(link.source)) {
    return storage_.FindLinked(link, state.cache_map.digest, index);
  }
  std::vector<KeyId> found;
  if (const CacheImport* import = ImportOf(state, link.source)) {
    for (const ImportedCache::Node node :
         import->cache().FindLinked(*import->NodeOf(link.source), link.input, link.selector,
                                    OutputKey(state.cache_map.digest, static_cast<std::int32_t>(index)))) {
      found.push_back(import->KeyOf(node));
    }
  }
  return found;
}

Result<std::vector<KeyId>> SolverCore::Roots(const VertexState& state, const RootKey& key) const {
  std::vector<KeyId> found;
  if (const std::optional<KeyId> own = LOAM_TRY(storage_.FindRoot(key))) {
    found.push_back(*own);
  }
  if (!state.imports.empty()) {
    const Digest output_key = OutputKey(key.digest, key.output);
    for (const auto& import : state.imports) {
      if (const auto node = import->cache().FindRoot(output_key)) {
        found.push_back(import->KeyOf(*node));
      }
    }
  }
  return found;
}

void SolverCore::StartImport(VertexState& state, std::uint32_t index) {
  const RecordId record = state.edges[index].records.back().id;
  const KeyId key(record.value());
  const auto import = std::find_if(state.imports.begin(), state.imports.end(),
                                   [&](const auto& candidate) { return candidate->NodeOf(key).has_value(); });
  LOAM_CHECK(import != state.imports.end(), "a record of an import that the vertex does not have");
  struct Outcome {
    Result<ResultPtr> result;
    KeyPlan plan;
  };
  auto outcome = std::make_shared<Outcome>(Outcome{ResultPtr(), KeyPlanner({&state, index}).Run()});
  Submit(
      [this, shared = state.shared_from_this(), index, record, outcome, import = *import, key]() -> Handler {
        outcome->result = [&]() -> Result<ResultPtr> {
          ResultPtr result = LOAM_TRY(import->cache().Load(*import->NodeOf(key), shared->channel));
          std::optional<StoredResult> stored;
          if (options_.results != nullptr) {
            stored = LOAM_TRY_CONTEXT("write the build cache", options_.results->Save(*result));
          }
          LOAM_TRY_CONTEXT("write the build cache",
                           MakeKeys(outcome->plan, storage_, stored, import->cache().Created(*import->NodeOf(key))));
          return result;
        }();
        return [this, shared, index, record, outcome] {
          if (shared->dead) {
            return;
          }
          for (KeyPlan::Item& item : outcome->plan.items) {
            EdgeState& edge = item.state->edges[item.index];
            if (!edge.store_keys.empty() || item.made.empty()) {
              continue;
            }
            edge.store_keys = item.made;
            if (!item.state->ignore_cache()) {
              edge.match_keys.insert(edge.match_keys.end(), item.made.begin(), item.made.end());
              std::sort(edge.match_keys.begin(), edge.match_keys.end());
            }
          }
          FinishImport(*shared, index, record, std::move(outcome->result));
        };
      },
      false);
}

void SolverCore::FinishImport(VertexState& state, std::uint32_t index, RecordId record, Result<ResultPtr> result) {
  EdgeState& edge = state.edges[index];
  edge.loading = false;
  if (edge.level == Level::kResult) {
    return;  // another output's run brought it
  }
  if (!result) {
    // A cache that cannot be read (any more) is as good as none.
    if (result.error().Is(ErrorCode::kCanceled)) {
      Fail(state, std::move(result).error(), true);
    } else {
      RecordLost(state, index, record);
    }
    return;
  }
  edge.result = std::move(*result);
  MarkCached(state);
  Raise(state, index, Level::kResult);
}

void SolverCore::RecordLost(VertexState& state, std::uint32_t index, RecordId record) {
  EdgeState& edge = state.edges[index];
  edge.lost.push_back(record);
  edge.records.pop_back();
  if (edge.records.empty()) {
    // Other keys may lead to another record.
    edge.level = Level::kDefinition;
    edge.match_keys = {};
  }
  MarkDirty(state);
}

}  // namespace loam::solver
