// Solver and Job: the entry of this folder. docs/solver.md explains the state machine.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task_pool.h"
#include "runtime-executor/solver/cache_map.h"
#include "runtime-executor/solver/cache_storage.h"
#include "runtime-executor/solver/op.h"
#include "runtime-executor/solver/progress.h"
#include "runtime-executor/solver/vertex.h"

namespace loam::solver {

struct JobOptions {
  // Not null.
  std::shared_ptr<JobContext> context;
  // Not null.
  std::shared_ptr<ProgressSink> progress;
};

// How a vertex ended in a job, with everything its cache key was made of; the data of `loam why`.
struct StepReport {
  enum class Outcome : std::uint8_t { kCached, kRan, kFailed, kCanceled, kNotReached };
  struct Input {
    Digest vertex;
    std::uint32_t output = 0;
    Digest selector;
    // Key of the input's content, if one was computed in this build; else empty.
    Digest content;
    // ContentKey::base_path
    std::string content_base;
  };
  Digest vertex;
  std::string name;
  Outcome outcome = Outcome::kNotReached;
  bool ignore_cache = false;
  // CacheMap::transient: it runs in every build.
  bool transient = false;
  // Set once the vertex's own cache map is known.
  Digest op_digest;
  Preimage preimage;
  std::vector<Input> inputs;
  std::optional<WallTime> started;
  std::optional<WallTime> completed;
  std::string error;
};

// One output of a vertex with everything by which it can be found in a cache; what a cache export is made of.
struct CacheGraphNode {
  struct Input {
    std::size_t node = 0;  // in the same list, before this one
    Digest selector;
    Digest content;  // the key of its content, if one was computed
  };
  Digest vertex;
  std::uint32_t output = 0;
  // CacheMap::digest and its others; empty if nothing may be found by them (CacheMap::transient).
  Digest op_digest;
  std::vector<Digest> other_digests;
  std::vector<Input> inputs;
  std::optional<bool> export_cache;
  // Nodes of the solver's storage that stand for it, and their records, the best first.
  std::vector<KeyId> keys;
  std::vector<CacheRecord> records;
  // Nodes of imports that stand for it.
  struct Imported {
    std::shared_ptr<const CacheImport> import;
    std::uint32_t node = 0;
  };
  std::vector<Imported> imported;
  // Null unless this build had it in hands.
  ResultPtr result;
};

class SolverCore;

// One client's interest in some vertices. Dropping a job cancels what nobody else waits for. Thread-safe.
class Job {
 public:
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Computes these edges of `graph`, in their order; blocks. On `stop` it returns kCanceled and withdraws the job's
  // interest; work shared with other jobs goes on. Several calls may run at once; vertices of all of them are shared.
  // The error of a failed vertex carries VertexErrorDetail.
  [[nodiscard]] Result<std::vector<ResultPtr>> Solve(const GraphPtr& graph, std::span<const Edge> outputs,
                                                     std::stop_token stop);
  // What became of every vertex of every graph solved by this job, inputs first.
  [[nodiscard]] std::vector<StepReport> Report() const;
  // What `output`, which this job has solved, was made of: inputs before their users, itself last. kNotFound if the job
  // does not have it (any more).
  [[nodiscard]] Result<std::vector<CacheGraphNode>> CacheGraph(const Edge& output) const;

 private:
  friend class Solver;
  Job(std::shared_ptr<SolverCore> core, std::uint64_t id);
  std::shared_ptr<SolverCore> core_;
  std::uint64_t id_;
};

struct SolverOptions {
  OpResolver* resolver = nullptr;   // not null
  CacheStorage* storage = nullptr;  // null: nothing is remembered beyond running jobs
  ResultStore* results = nullptr;   // not null if storage is
  TaskPool* pool = nullptr;         // not null
  const Clock* clock = nullptr;     // not null
};

// Runs the jobs of one engine. Everything in SolverOptions outlives it. Thread-safe.
class Solver {
 public:
  explicit Solver(const SolverOptions& options);
  // Every job must be gone. Waits for work that is still ending.
  ~Solver();
  Solver(const Solver&) = delete;
  Solver& operator=(const Solver&) = delete;

  [[nodiscard]] std::unique_ptr<Job> NewJob(JobOptions options);

 private:
  std::shared_ptr<SolverCore> core_;
};

}  // namespace loam::solver
