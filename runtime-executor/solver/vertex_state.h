// The scheduler's view of a vertex. Everything here is touched only by events of the solver's strand.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "runtime-executor/solver/cache_storage.h"
#include "runtime-executor/solver/imported_cache.h"
#include "runtime-executor/solver/job.h"
#include "runtime-executor/solver/op.h"
#include "runtime-executor/solver/vertex.h"
#include "runtime-executor/solver/vertex_channel.h"

namespace loam::solver {

// What is known of an edge, and what its users want to know. Each level includes those before it.
enum class Level : std::uint8_t {
  kNone,
  // Keys that follow from the definition: nothing was evaluated for them.
  kDefinition,
  // Also keys by the content of inputs whose definition leads nowhere.
  kKeys,
  // All keys that can be had without running the vertex itself, also by content of inputs whose definition led to keys.
  kAllKeys,
  kResult,
};

// A piece of work that is done once, on a pool thread or at once.
enum class Phase : std::uint8_t { kNone, kRunning, kDone };

struct VertexState;
struct Ticket;

struct EdgeState {
  Level wanted = Level::kNone;
  Level level = Level::kNone;
  // Nodes that stand for this output and may be looked up from; sorted.
  std::vector<KeyId> match_keys;
  // Nodes that records of users are linked from; set with the result.
  std::vector<KeyId> store_keys;
  // Records not tried yet, best last.
  std::vector<CacheRecord> records;
  // Records whose results were gone.
  std::vector<RecordId> lost;
  bool loading = false;
  // Nothing was found by all keys of the inputs: their content is looked at, whatever their definition leads to.
  bool by_content_too = false;
  // The record that gave the result, or stands for it in a chain whose end was found.
  std::optional<RecordId> used;
  ResultPtr result;

  // A node of the solver's own storage.
  [[nodiscard]] std::optional<KeyId> OwnMatch() const {
    const auto own = std::find_if(match_keys.begin(), match_keys.end(), [](KeyId key) { return !IsImported(key); });
    return own == match_keys.end() ? std::nullopt : std::optional(*own);
  }
};

struct InputState {
  VertexState* vertex = nullptr;
  std::uint32_t index = 0;
  Phase content = Phase::kNone;
  Digest content_digest;
  std::string content_base;
  std::optional<KeyId> content_key;

  [[nodiscard]] EdgeState& edge() const;
};

// Equal keys share one state.
struct StateKey {
  Digest digest;
  bool ignore_cache = false;
  std::uint64_t job = 0;  // of a job-local vertex; else 0
  friend auto operator<=>(const StateKey&, const StateKey&) = default;
};

struct VertexState : std::enable_shared_from_this<VertexState> {
  StateKey key;
  GraphPtr graph;
  const Vertex* vertex = nullptr;
  std::shared_ptr<VertexChannel> channel;
  std::unique_ptr<Op> op;

  std::vector<InputState> inputs;
  std::vector<EdgeState> edges;
  // Of every job that shares the state.
  std::vector<std::shared_ptr<const CacheImport>> imports;

  // Who is told when a level rises: vertices that have this one as an input, and calls that want its result.
  std::unordered_set<VertexState*> users;
  std::vector<Ticket*> watchers;
  // The calls that hold this state; it is dead when the last is gone.
  std::unordered_set<Ticket*> tickets;

  Phase cache_map_phase = Phase::kNone;
  CacheMap cache_map;
  Phase run = Phase::kNone;
  // Waits for an equal run (by cache key) of another vertex.
  bool waiting_for_twin = false;
  std::string work_key;

  std::optional<Error> error;
  bool failed_itself = false;
  bool cached = false;
  bool ran = false;
  bool canceled = false;
  bool dead = false;
  bool queued = false;

  [[nodiscard]] bool ignore_cache() const { return vertex->options.ignore_cache; }
};

inline EdgeState& InputState::edge() const {
  return vertex->edges[index];
}

// Outcome of a call of Job::Solve, handed from the strand to the thread that waits.
class SolveCall;

struct JobState {
  std::shared_ptr<const JobParts> parts;
  std::vector<Ticket*> tickets;
  // Of calls that failed or were cancelled, whose states are gone.
  std::vector<StepReport> saved;
};

// One call of Job::Solve: the states it holds, inputs first.
struct Ticket {
  JobState* job = nullptr;
  std::vector<std::shared_ptr<VertexState>> states;
  std::vector<InputState> outputs;
  std::shared_ptr<SolveCall> call;
  bool finished = false;
};

}  // namespace loam::solver
