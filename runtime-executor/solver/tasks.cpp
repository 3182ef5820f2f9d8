// What leaves the strand: the calls of ops, and writes to the cache. Each task runs on a pool thread with what it needs
// and comes back as an event; if the vertex is dead by then, nobody cares.
#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "runtime-executor/solver/solver_core.h"

namespace loam::solver {

void SolverCore::Submit(std::function<Handler()> task, bool limited) {
  auto run = [this, task = std::move(task), limited]() mutable {
    Handler handler = task();
    task = nullptr;  // and with it the last hold of a dead vertex, before the solver may go
    if (handler) {
      Event(std::move(handler));
    }
    if (limited) {
      Event([this] {
        --limited_running_;
        StartLimited();
      });
    }
    const std::lock_guard lock(tasks_mutex_);
    --running_tasks_;
    tasks_done_.notify_all();
  };
  {
    const std::lock_guard lock(tasks_mutex_);
    ++running_tasks_;
  }
  if (limited) {
    limited_waiting_.push_back(std::move(run));
    StartLimited();
  } else {
    options_.pool->Submit(std::move(run));
  }
}

void SolverCore::StartLimited() {
  while (limited_running_ < limited_max_ && !limited_waiting_.empty()) {
    ++limited_running_;
    options_.pool->Submit(std::move(limited_waiting_.front()));
    limited_waiting_.pop_front();
  }
}

void SolverCore::StartCacheMap(VertexState& state) {
  state.cache_map_phase = Phase::kRunning;
  Result<std::unique_ptr<Op>> op = options_.resolver->Resolve(*state.vertex);
  if (!op) {
    Fail(state, std::move(op).error(), true);
    return;
  }
  state.op = std::move(*op);
  if (state.op->cheap_cache_map()) {
    FinishCacheMap(state, state.op->ComputeCacheMap(*state.channel), false);
    return;
  }
  state.channel->Started();
  Submit(
      [this, shared = state.shared_from_this()]() -> Handler {
        auto map = shared->op->ComputeCacheMap(*shared->channel);
        return [this, shared, map = std::move(map)]() mutable {
          if (!shared->dead) {
            FinishCacheMap(*shared, std::move(map), true);
            MarkDirty(*shared);
          }
        };
      },
      false);
}

void SolverCore::FinishCacheMap(VertexState& state, Result<CacheMap> map, bool announced) {
  state.cache_map_phase = Phase::kDone;
  if (!map) {
    Fail(state, std::move(map).error(), true);
    return;
  }
  if (map->inputs.size() != state.inputs.size()) {
    Fail(state,
         Error(ErrorCode::kInternal, fmt::format("the operation describes {} inputs, its vertex has {}",
                                                 map->inputs.size(), state.inputs.size())),
         true);
    return;
  }
  state.cache_map = std::move(*map);
  if (announced) {
    state.channel->Completed(false, "");
  }
}

void SolverCore::StartContentKey(VertexState& state, std::size_t input) {
  InputState& from = state.inputs[input];
  from.content = Phase::kRunning;
  struct Outcome {
    Digest digest;
    std::string base_path;
    std::optional<KeyId> key;
  };
  auto compute = [this, shared = state.shared_from_this(), result = from.edge().result,
                  &function = state.cache_map.inputs[input].content_key]() -> Result<Outcome> {
    ContentKey key = LOAM_TRY(function(*shared->channel, result));
    Outcome outcome;
    outcome.digest = key.digest;
    outcome.base_path = std::move(key.base_path);
    if (!key.digest.empty()) {
      const RootKey root{key.digest, -1};
      outcome.key = LOAM_TRY_CONTEXT("read the build cache", storage_.FindRoot(root));
      if (!outcome.key) {
        const Preimage preimage = key.preimage ? key.preimage() : Preimage();
        outcome.key = LOAM_TRY_CONTEXT("write the build cache", storage_.AddRoot(root, preimage));
      }
    }
    return outcome;
  };
  Submit(
      [this, shared = state.shared_from_this(), input, compute = std::move(compute)]() -> Handler {
        auto outcome = compute();
        return [this, shared, input, outcome = std::move(outcome)]() mutable {
          if (shared->dead) {
            return;
          }
          shared->inputs[input].content = Phase::kDone;
          if (!outcome) {
            Fail(*shared, std::move(outcome).error(), true);
            return;
          }
          shared->inputs[input].content_digest = outcome->digest;
          shared->inputs[input].content_base = std::move(outcome->base_path);
          shared->inputs[input].content_key = outcome->key;
          MarkDirty(*shared);
        };
      },
      true);
}

void SolverCore::StartLoad(VertexState& state, std::uint32_t index) {
  EdgeState& edge = state.edges[index];
  edge.loading = true;
  const CacheRecord record = edge.records.back();
  if (IsImported(record.id)) {
    StartImport(state, index);
    return;
  }
  ResultStore* store = options_.results;
  LOAM_CHECK(store != nullptr, "records exist without a result store");
  Submit(
      [this, shared = state.shared_from_this(), index, record, store]() -> Handler {
        auto result = store->Load(record.blob);
        if (!result && result.error().Is(ErrorCode::kNotFound)) {
          // What it stood for is gone: as if the record had not been. Failing to remove it changes nothing.
          static_cast<void>(storage_.RemoveRecord(record.id));
        }
        return [this, shared, index, record, result = std::move(result)]() mutable {
          if (shared->dead) {
            return;
          }
          EdgeState& loaded = shared->edges[index];
          loaded.loading = false;
          if (loaded.level == Level::kResult) {
            return;  // another output's run brought it
          }
          if (result) {
            loaded.used = record.id;
            loaded.result = std::move(*result);
            loaded.store_keys = loaded.match_keys;
            std::erase_if(loaded.store_keys, [](KeyId key) { return IsImported(key); });
            MarkCached(*shared);
            Raise(*shared, index, Level::kResult);
            return;
          }
          if (!result.error().Is(ErrorCode::kNotFound)) {
            Fail(*shared, std::move(result).error(), true);
            return;
          }
          RecordLost(*shared, index, record.id);
        };
      },
      false);
}

void SolverCore::StartRun(VertexState& state) {
  state.run = Phase::kRunning;
  std::vector<ResultPtr> inputs;
  inputs.reserve(state.inputs.size());
  for (const InputState& input : state.inputs) {
    inputs.push_back(input.edge().result);
  }
  // Taken now: the strand's data is not for the task. Outputs beyond those known here get their records by the same
  // rule.
  bool cacheable = false;
  NewRecord record = RecordFor(state, 0, cacheable);
  std::vector<std::optional<KeyId>> known;
  for (const EdgeState& edge : state.edges) {
    known.push_back(edge.OwnMatch());
  }
  auto run = [this, shared = state.shared_from_this(), inputs = std::move(inputs), record = std::move(record),
              cacheable, known = std::move(known)]() mutable -> Result<RunOutcome> {
    if (shared->channel->stop().stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    shared->channel->Started();
    RunOutcome outcome;
    outcome.results = LOAM_TRY(shared->op->Run(*shared->channel, inputs));
    outcome.keys.resize(outcome.results.size());
    for (std::uint32_t index = 0; cacheable && index < outcome.results.size(); ++index) {
      const ResultPtr& result = outcome.results[index];
      record.output = index;
      record.key = !record.root && index < known.size() ? known[index] : std::nullopt;
      if (record.root) {
        record.root->output = static_cast<std::int32_t>(index);
      }
      record.result.reset();
      record.preimage = &shared->cache_map.preimage;
      if (result != nullptr && options_.results != nullptr) {
        record.result = LOAM_TRY_CONTEXT("write the build cache", options_.results->Save(*result));
      }
      outcome.keys[index].push_back(LOAM_TRY_CONTEXT("write the build cache", storage_.Add(record)));
      for (const Digest& digest : shared->cache_map.other_digests) {
        const RootKey root{digest, static_cast<std::int32_t>(index)};
        outcome.keys[index].push_back(
            LOAM_TRY_CONTEXT("write the build cache", storage_.AddRoot(root, shared->cache_map.preimage)));
      }
    }
    return outcome;
  };
  const bool limited = state.op->cpu_bound();
  Submit(
      [this, shared = state.shared_from_this(), run = std::move(run)]() mutable -> Handler {
        auto outcome = run();
        return [this, shared, outcome = std::move(outcome)]() mutable { FinishRun(*shared, std::move(outcome)); };
      },
      limited);
}

void SolverCore::FinishRun(VertexState& state, Result<RunOutcome> outcome) {
  state.run = Phase::kDone;
  const std::string work_key = std::move(state.work_key);
  if (!state.dead) {
    if (!outcome) {
      Fail(state, std::move(outcome).error(), true);
    } else {
      state.ran = true;
      state.channel->Completed(false, "");
      const std::size_t wanted = state.edges.size();
      state.edges.resize(std::max(wanted, outcome->results.size()));
      for (std::uint32_t index = 0; index < outcome->results.size(); ++index) {
        EdgeState& edge = state.edges[index];
        if (edge.level == Level::kResult) {
          continue;  // loaded before another output had to run
        }
        edge.result = std::move(outcome->results[index]);
        edge.store_keys = std::move(outcome->keys[index]);
        std::sort(edge.store_keys.begin(), edge.store_keys.end());
        // Through the keys of imports users may still be found there.
        std::erase_if(edge.match_keys, [](KeyId key) { return !IsImported(key); });
        if (!state.ignore_cache()) {
          edge.match_keys.insert(edge.match_keys.end(), edge.store_keys.begin(), edge.store_keys.end());
        }
        edge.records.clear();
        Raise(state, index, Level::kResult);
      }
      if (wanted > outcome->results.size()) {
        Fail(state,
             Error(ErrorCode::kInvalidArgument,
                   fmt::format("output {} is wanted of an operation that has {}", wanted - 1, outcome->results.size())),
             true);
      }
    }
  }
  if (!work_key.empty()) {
    WakeTwins(work_key);
  }
}

void SolverCore::WakeTwins(const std::string& work_key) {
  const auto found = twins_.find(work_key);
  if (found == twins_.end()) {
    return;
  }
  const std::vector<std::weak_ptr<VertexState>> waiting = std::move(found->second.waiting);
  twins_.erase(found);
  for (const std::weak_ptr<VertexState>& weak : waiting) {
    const std::shared_ptr<VertexState> state = weak.lock();
    if (state == nullptr || state->dead) {
      continue;
    }
    // Looks again: the run that was waited for has left a record, unless it failed.
    state->waiting_for_twin = false;
    for (std::uint32_t index = 0; index < state->edges.size(); ++index) {
      EdgeState& edge = state->edges[index];
      if (edge.level == Level::kAllKeys && edge.records.empty()) {
        for (InputState& input : state->inputs) {
          EdgeState& from = input.edge();
          if (from.match_keys.empty() && !input.vertex->ignore_cache()) {
            from.match_keys = from.store_keys;
          }
        }
        edge.match_keys = FindKeys(*state, index, true);
        FindRecords(*state, index);
      }
    }
    MarkDirty(*state);
  }
}

void SolverCore::AddLinks(NewRecord record) {
  Submit(
      [this, record = std::move(record)]() -> Handler {
        // Without the link the next build looks at the content again: slower, not wrong.
        static_cast<void>(storage_.Add(record));
        return nullptr;
      },
      false);
}

}  // namespace loam::solver
