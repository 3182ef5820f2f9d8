#include "runtime-executor/solver/job.h"

#include "runtime-executor/solver/solver_core.h"

namespace loam::solver {

Solver::Solver(const SolverOptions& options) : core_(std::make_shared<SolverCore>(options)) {}

Solver::~Solver() {
  core_->WaitForTasks();
}

std::unique_ptr<Job> Solver::NewJob(JobOptions options) {
  const std::uint64_t id = core_->AddJob(std::move(options));
  return std::unique_ptr<Job>(new Job(core_, id));
}

Job::Job(std::shared_ptr<SolverCore> core, std::uint64_t id) : core_(std::move(core)), id_(id) {}

Job::~Job() {
  core_->RemoveJob(id_);
}

Result<std::vector<ResultPtr>> Job::Solve(const GraphPtr& graph, std::span<const Edge> outputs, std::stop_token stop) {
  return core_->Solve(id_, graph, outputs, std::move(stop));
}

std::vector<StepReport> Job::Report() const {
  return core_->Report(id_);
}

Result<std::vector<CacheGraphNode>> Job::CacheGraph(const Edge& output) const {
  return core_->CacheGraph(id_, output);
}

}  // namespace loam::solver
