#include "runtime-executor/engine/plan_solver.h"

#include <algorithm>

#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/op_resolver.h"

namespace loam::engine {

namespace {

std::int64_t OutputsOf(const pb::Op& op) {
  std::int64_t last = 0;
  for (const pb::Mount& mount : op.exec().mounts()) {
    last = std::max(last, mount.output());
  }
  for (const pb::FileAction& action : op.file().actions()) {
    last = std::max(last, action.output());
  }
  return last + 1;
}

class PlanOp final : public solver::Op {
 public:
  PlanOp(std::unique_ptr<solver::Op> op, const pb::Op& llb) : op_(std::move(op)), llb_(llb) {}

  [[nodiscard]] Result<solver::CacheMap> ComputeCacheMap(solver::OpContext& context) override {
    solver::CacheMap map = LOAM_TRY(op_->ComputeCacheMap(context));
    for (solver::CacheMapInput& input : map.inputs) {
      if (input.content_key) {
        // Content that nobody knows has no key.
        input.content_key = [real = std::move(input.content_key)](
                                solver::OpContext& around,
                                const solver::ResultPtr& result) -> Result<solver::ContentKey> {
          return IsPlanned(result) ? solver::ContentKey() : real(around, result);
        };
      }
    }
    return map;
  }
  [[nodiscard]] bool cheap_cache_map() const override { return op_->cheap_cache_map(); }
  [[nodiscard]] bool cpu_bound() const override { return op_->cpu_bound(); }
  [[nodiscard]] Result<std::vector<solver::ResultPtr>> Run(solver::OpContext& context,
                                                           std::span<const solver::ResultPtr> inputs) override {
    if (llb_.has_source()) {
      return op_->Run(context, inputs);
    }
    return std::vector<solver::ResultPtr>(static_cast<std::size_t>(OutputsOf(llb_)),
                                          std::make_shared<const PlannedResult>());
  }

 private:
  const std::unique_ptr<solver::Op> op_;
  const pb::Op& llb_;
};

}  // namespace

bool IsPlanned(const solver::ResultPtr& result) {
  return dynamic_cast<const PlannedResult*>(result.get()) != nullptr;
}

Result<std::optional<solver::KeyId>> PlanStorage::FindRoot(const solver::RootKey& key) {
  auto known = LOAM_TRY(records_.FindRoot(key));
  if (known) {
    return known;
  }
  const std::lock_guard lock(mutex_);
  const auto found = roots_.find({key.digest, key.output});
  return found == roots_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::vector<solver::KeyId>> PlanStorage::FindLinked(const solver::KeyLink& link, const Digest& op_digest,
                                                           std::uint32_t output) {
  if (IsOfPlan(link.source)) {
    return std::vector<solver::KeyId>();
  }
  return records_.FindLinked(link, op_digest, output);
}

Result<std::vector<solver::CacheRecord>> PlanStorage::Records(solver::KeyId key) {
  return IsOfPlan(key) ? Result<std::vector<solver::CacheRecord>>(std::vector<solver::CacheRecord>())
                       : records_.Records(key);
}

Result<solver::KeyId> PlanStorage::AddRoot(const solver::RootKey& key, const solver::Preimage& preimage) {
  if (const auto known = LOAM_TRY(records_.FindRoot(key))) {
    return *known;
  }
  const std::lock_guard lock(mutex_);
  contents_.emplace(key.digest, preimage);
  return roots_.emplace(std::pair(key.digest, key.output), NewKey()).first->second;
}

Result<solver::KeyId> PlanStorage::Add(const solver::NewRecord& record) {
  if (record.key) {
    return *record.key;
  }
  return record.root && record.preimage != nullptr ? AddRoot(*record.root, *record.preimage)
                                                   : Result<solver::KeyId>(NewKey());
}

Result<std::optional<solver::Preimage>> PlanStorage::ContentPreimage(const Digest& content) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = contents_.find(content); found != contents_.end()) {
      return std::optional(found->second);
    }
  }
  return records_.ContentPreimage(content);
}

class PlanSolver::Resolver final : public solver::OpResolver {
 public:
  explicit Resolver(ops::LlbOpResolver& resolver) : resolver_(resolver) {}
  [[nodiscard]] Result<std::unique_ptr<solver::Op>> Resolve(const solver::Vertex& vertex) override {
    std::unique_ptr<solver::Op> op = LOAM_TRY(resolver_.Resolve(vertex));
    return std::make_unique<PlanOp>(std::move(op), static_cast<const ops::LlbPayload&>(*vertex.payload).op());
  }

 private:
  ops::LlbOpResolver& resolver_;
};

// Reads what the cache has; nothing of a plan is kept.
class PlanSolver::Results final : public solver::ResultStore {
 public:
  explicit Results(solver::ResultStore& results) : results_(results) {}
  [[nodiscard]] Result<std::optional<solver::StoredResult>> Save(const solver::SolverResult&) override {
    return std::nullopt;
  }
  [[nodiscard]] Result<solver::ResultPtr> Load(const std::string& blob) override { return results_.Load(blob); }

 private:
  solver::ResultStore& results_;
};

PlanSolver::PlanSolver(EngineState& state)
    : storage_(*state.records),
      resolver_(std::make_unique<Resolver>(*state.resolver)),
      results_(std::make_unique<Results>(*state.results)),
      solver_(std::make_unique<solver::Solver>(
          solver::SolverOptions{resolver_.get(), &storage_, results_.get(), &state.pool, &state.clock})) {}

PlanSolver::~PlanSolver() = default;

}  // namespace loam::engine
