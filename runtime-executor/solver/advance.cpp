// The state machine: what a vertex does next, given what is known of its inputs and what its users want of it. Advance
// is called again whenever one of these changed; it never blocks and never recurses into another vertex.
#include <algorithm>

#include "runtime-executor/solver/solver_core.h"

namespace loam::solver {
namespace {

// An input whose content has not been looked at may still bring a match.
bool HasUnknownContent(const VertexState& state) {
  for (std::size_t i = 0; i < state.inputs.size(); ++i) {
    if (state.cache_map.inputs[i].content_key != nullptr && state.inputs[i].content != Phase::kDone) {
      return true;
    }
  }
  return false;
}

}  // namespace

void SolverCore::MarkDirty(VertexState& state) {
  if (!state.queued && !state.dead) {
    state.queued = true;
    dirty_.push_back(state.shared_from_this());
  }
}

void SolverCore::Want(InputState& input, Level level) {
  EdgeState& edge = input.edge();
  if (edge.wanted < level) {
    edge.wanted = level;
    MarkDirty(*input.vertex);
  }
}

void SolverCore::Raise(VertexState& state, std::uint32_t index, Level level) {
  state.edges[index].level = level;
  for (VertexState* user : state.users) {
    MarkDirty(*user);
  }
  if (level == Level::kResult) {
    changed_tickets_.insert(changed_tickets_.end(), state.watchers.begin(), state.watchers.end());
  }
}

void SolverCore::Fail(VertexState& state, Error error, bool itself) {
  if (state.error) {
    return;
  }
  if (itself) {
    const std::string message = error.message();
    std::shared_ptr<const ErrorDetail> cause = error.detail();
    error = std::move(error).WithDetail(
        std::make_shared<const VertexErrorDetail>(state.vertex->digest, state.vertex->name, std::move(cause)));
    state.failed_itself = true;
    state.channel->Completed(false, message);
  }
  state.error = std::move(error);
  // Whoever comes later tries anew.
  const auto active = active_.find(state.key);
  if (active != active_.end() && active->second == &state) {
    active_.erase(active);
  }
  for (VertexState* user : state.users) {
    MarkDirty(*user);
  }
  changed_tickets_.insert(changed_tickets_.end(), state.watchers.begin(), state.watchers.end());
}

void SolverCore::Advance(VertexState& state) {
  const bool wanted = std::any_of(state.edges.begin(), state.edges.end(),
                                  [](const EdgeState& edge) { return edge.wanted > edge.level; });
  if (state.error || !wanted) {
    return;
  }
  if (state.cache_map_phase == Phase::kNone) {
    StartCacheMap(state);
    if (state.error) {
      return;
    }
  }
  bool inputs_known = true;
  for (InputState& input : state.inputs) {
    if (input.vertex->error) {
      Fail(state, *input.vertex->error, false);
      return;
    }
    Want(input, Level::kDefinition);
    inputs_known = inputs_known && input.edge().level >= Level::kDefinition;
  }
  if (!inputs_known || state.cache_map_phase != Phase::kDone) {
    return;
  }
  for (std::uint32_t index = 0; index < state.edges.size() && !state.error; ++index) {
    AdvanceEdge(state, index);
  }
}

void SolverCore::AdvanceEdge(VertexState& state, std::uint32_t index) {
  EdgeState& edge = state.edges[index];
  const bool use_cache = !state.ignore_cache();
  if (edge.level == Level::kNone && edge.wanted > Level::kNone) {
    if (use_cache) {
      edge.match_keys = FindKeys(state, index, false);
    }
    Raise(state, index, Level::kDefinition);
  }
  if (edge.level == Level::kDefinition && edge.wanted > Level::kDefinition) {
    if (use_cache) {
      FindRecords(state, index);
      if (!Search(state, index, Level::kKeys)) {
        return;
      }
    }
    Raise(state, index, Level::kKeys);
  }
  if (edge.level == Level::kKeys && edge.wanted > Level::kKeys) {
    if (use_cache && !Search(state, index, Level::kAllKeys)) {
      return;
    }
    Raise(state, index, Level::kAllKeys);
  }
  if (edge.level == Level::kAllKeys && edge.wanted > Level::kAllKeys && !edge.loading && !state.error) {
    if (!edge.records.empty()) {
      StartLoad(state, index);
    } else {
      AdvanceRun(state);
    }
  }
}

bool SolverCore::Search(VertexState& state, std::uint32_t index, Level level) {
  EdgeState& edge = state.edges[index];
  if (!edge.records.empty()) {
    return true;
  }
  switch (GatherKeys(state, index, level)) {
    case Gathered::kWaiting:
      return false;
    case Gathered::kNoMatchPossible:
      return true;
    case Gathered::kReady:
      break;
  }
  edge.match_keys = FindKeys(state, index, true);
  FindRecords(state, index);
  if (level == Level::kAllKeys && edge.records.empty() && !edge.by_content_too && !state.error &&
      HasUnknownContent(state)) {
    // What the inputs are called was not enough: what they contain may be.
    edge.by_content_too = true;
    MarkDirty(state);
    return false;
  }
  return true;
}

// Asks for everything that could still bring a match, and tells when there is no more to come.
SolverCore::Gathered SolverCore::GatherKeys(VertexState& state, std::uint32_t index, Level level) {
  bool waiting = false;
  bool possible = true;
  for (std::size_t i = 0; i < state.inputs.size(); ++i) {
    InputState& input = state.inputs[i];
    const bool by_content = state.cache_map.inputs[i].content_key != nullptr;
    Want(input, level);
    bool known = input.edge().level >= level;
    // The content of an input costs its result. It is asked for when nothing is found by what the input is called.
    if (by_content && known && (state.edges[index].by_content_too || Candidates(state, index, i).empty())) {
      Want(input, Level::kResult);
      if (input.edge().level == Level::kResult && input.content == Phase::kNone) {
        StartContentKey(state, i);
      }
      known = input.content == Phase::kDone;
    }
    waiting = waiting || !known;
    // One input by which nothing can be found is enough to know that there is no match.
    possible = possible && (!known || !Candidates(state, index, i).empty());
  }
  return !possible ? Gathered::kNoMatchPossible : waiting ? Gathered::kWaiting : Gathered::kReady;
}

void SolverCore::AdvanceRun(VertexState& state) {
  if (state.run != Phase::kNone || state.waiting_for_twin) {
    return;
  }
  bool ready = true;
  for (std::size_t i = 0; i < state.inputs.size(); ++i) {
    InputState& input = state.inputs[i];
    Want(input, Level::kResult);
    if (input.edge().level != Level::kResult) {
      ready = false;
      continue;
    }
    if (state.cache_map.inputs[i].content_key != nullptr) {
      if (input.content == Phase::kNone) {
        StartContentKey(state, i);
      }
      ready = ready && input.content == Phase::kDone;
    }
  }
  if (!ready) {
    return;
  }
  if (!state.ignore_cache()) {
    state.work_key = WorkKey(state);
    if (!state.work_key.empty()) {
      const auto [twin, first] = twins_.try_emplace(state.work_key);
      if (!first) {
        twin->second.waiting.push_back(state.weak_from_this());
        state.waiting_for_twin = true;
        // From now on it works for these calls too: it goes on if its own are cancelled.
        if (!twin->second.runner->dead) {
          for (Ticket* ticket : state.tickets) {
            Hold(*ticket, *twin->second.runner);
          }
        }
        return;
      }
      twin->second.runner = &state;
    }
  }
  StartRun(state);
}

void SolverCore::MarkCached(VertexState& state) {
  std::vector<VertexState*> stack{&state};
  while (!stack.empty()) {
    VertexState& current = *stack.back();
    stack.pop_back();
    if (current.cached || current.error || current.run != Phase::kNone) {
      continue;
    }
    current.cached = true;
    current.channel->Cached();
    for (EdgeState& edge : current.edges) {
      if (!edge.used && !edge.records.empty() && !IsImported(edge.records.back().id)) {
        edge.used = edge.records.back().id;
      }
    }
    for (const InputState& input : current.inputs) {
      stack.push_back(input.vertex);
    }
  }
}

}  // namespace loam::solver
