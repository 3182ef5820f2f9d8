// PlanSolver: finds out what a build would do without doing it (`loam explain`). The solver, its cache and the cache
// maps of the ops are the real ones; but sources are the only ops that run. What another op would make is a result that
// nobody knows (PlannedResult), and nothing is written to the cache. Internal to this folder.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "runtime-executor/engine/engine_state.h"
#include "runtime-executor/solver/cache_storage.h"
#include "runtime-executor/solver/job.h"
#include "runtime-executor/solver/op.h"

namespace loam::engine {

// The result of an op that would have to run.
class PlannedResult final : public solver::SolverResult {};
bool IsPlanned(const solver::ResultPtr& result);

// The real cache, to which nothing is added: what is new has keys that nothing is found by.
class PlanStorage final : public solver::CacheStorage {
 public:
  explicit PlanStorage(cache::RecordStore& records) : records_(records) {}

  Result<std::optional<solver::KeyId>> FindRoot(const solver::RootKey& key) override;
  Result<std::vector<solver::KeyId>> FindLinked(const solver::KeyLink& link, const Digest& op_digest,
                                                std::uint32_t output) override;
  Result<std::optional<solver::RootKey>> RootOf(solver::KeyId key) override { return records_.RootOf(key); }
  Result<std::vector<solver::Backlink>> Backlinks(solver::KeyId key) override { return records_.Backlinks(key); }
  Result<std::vector<solver::CacheRecord>> Records(solver::KeyId key) override;
  Result<solver::KeyId> AddRoot(const solver::RootKey& key, const solver::Preimage& preimage) override;
  Result<solver::KeyId> Add(const solver::NewRecord& record) override;
  Result<> RemoveRecord(solver::RecordId) override { return {}; }
  Result<> MarkUsed(std::span<const solver::RecordId>) override { return {}; }

  // Of a content key that the plan computed or the cache knows.
  Result<std::optional<solver::Preimage>> ContentPreimage(const Digest& content);

 private:
  // Keys of the plan are beyond those that the cache will ever have; negative ones are those of imports.
  static constexpr std::int64_t kFirstPlanned = std::int64_t{1} << 62;
  static bool IsOfPlan(solver::KeyId key) { return key.value() >= kFirstPlanned; }
  solver::KeyId NewKey() { return solver::KeyId(next_key_.fetch_add(1)); }

  cache::RecordStore& records_;
  std::atomic<std::int64_t> next_key_{kFirstPlanned};
  std::mutex mutex_;  // guards the maps
  std::map<std::pair<Digest, std::int32_t>, solver::KeyId> roots_;
  std::map<Digest, solver::Preimage> contents_;
};

class PlanSolver {
 public:
  // `state` outlives it.
  explicit PlanSolver(EngineState& state);
  ~PlanSolver();
  [[nodiscard]] solver::Solver& solver() { return *solver_; }
  [[nodiscard]] PlanStorage& storage() { return storage_; }

 private:
  class Resolver;
  class Results;

  PlanStorage storage_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<Results> results_;
  std::unique_ptr<solver::Solver> solver_;
};

}  // namespace loam::engine
