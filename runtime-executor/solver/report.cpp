#include <set>

#include "runtime-executor/solver/solver_core.h"

namespace loam::solver {

StepReport SolverCore::ReportOf(const VertexState& state) {
  using Outcome = StepReport::Outcome;
  StepReport report;
  report.vertex = state.vertex->digest;
  report.name = state.vertex->name;
  report.ignore_cache = state.ignore_cache();
  report.outcome = state.failed_itself ? Outcome::kFailed
                   : state.canceled    ? Outcome::kCanceled
                   : state.ran         ? Outcome::kRan
                   : state.cached      ? Outcome::kCached
                                       : Outcome::kNotReached;
  const bool known = state.cache_map_phase == Phase::kDone && !state.cache_map.digest.empty();
  if (known) {
    report.op_digest = state.cache_map.digest;
    report.preimage = state.cache_map.preimage;
    report.transient = state.cache_map.transient;
  }
  for (std::size_t i = 0; i < state.inputs.size(); ++i) {
    const Edge& edge = state.vertex->inputs[i];
    report.inputs.push_back({edge.vertex->digest, edge.index, known ? state.cache_map.inputs[i].selector : Digest(),
                             state.inputs[i].content_digest, state.inputs[i].content_base});
  }
  report.started = state.channel->started();
  report.completed = state.channel->completed();
  if (state.failed_itself) {
    report.error = state.error->message();
  }
  return report;
}

std::vector<StepReport> SolverCore::Report(std::uint64_t job) {
  std::vector<StepReport> reports;
  strand_.PostAndWait([&] {
    const JobState& state = *jobs_.at(job);
    std::set<Digest> seen;
    for (const Ticket* ticket : state.tickets) {
      for (const auto& vertex : ticket->states) {
        if (seen.insert(vertex->vertex->digest).second) {
          reports.push_back(ReportOf(*vertex));
        }
      }
    }
    for (const StepReport& saved : state.saved) {
      if (seen.insert(saved.vertex).second) {
        reports.push_back(saved);
      }
    }
  });
  return reports;
}

}  // namespace loam::solver
