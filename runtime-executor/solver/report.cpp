#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

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

Result<std::vector<CacheGraphNode>> SolverCore::CacheGraph(std::uint64_t job, const Edge& output) {
  Result<std::vector<CacheGraphNode>> result;
  strand_.PostAndWait([&] {
    std::unordered_map<Digest, VertexState*> states;
    for (const Ticket* ticket : jobs_.at(job)->tickets) {
      for (const auto& state : ticket->states) {
        states[state->vertex->digest] = state.get();
      }
    }
    const auto wanted = states.find(output.vertex->digest);
    if (wanted == states.end() || output.index >= wanted->second->edges.size()) {
      result = Unexpected(ErrorCode::kNotFound, "the result was not made by this build");
      return;
    }
    std::map<std::pair<VertexState*, std::uint32_t>, std::size_t> placed;
    std::vector<std::tuple<VertexState*, std::uint32_t, std::size_t>> stack{{wanted->second, output.index, 0}};
    while (!stack.empty()) {
      auto& [state, index, next] = stack.back();
      if (next < state->inputs.size()) {
        const InputState& input = state->inputs[next++];
        if (!placed.contains({input.vertex, input.index})) {
          stack.emplace_back(input.vertex, input.index, 0);
        }
        continue;
      }
      if (placed.try_emplace({state, index}, result->size()).second) {
        Result<CacheGraphNode> node = GraphNodeOf(*state, index);
        if (!node) {
          result = Unexpected(std::move(node).error());
          return;
        }
        for (std::size_t i = 0; i < state->inputs.size(); ++i) {
          node->inputs[i].node = placed.at({state->inputs[i].vertex, state->inputs[i].index});
        }
        result->push_back(std::move(*node));
      }
      stack.pop_back();
    }
  });
  return result;
}

Result<CacheGraphNode> SolverCore::GraphNodeOf(const VertexState& state, std::uint32_t index) const {
  CacheGraphNode node;
  node.vertex = state.vertex->digest;
  node.output = index;
  node.export_cache = state.vertex->options.export_cache;
  const bool known = state.cache_map_phase == Phase::kDone && state.cache_map.inputs.size() == state.inputs.size();
  if (known && !state.cache_map.transient) {
    node.op_digest = state.cache_map.digest;
    node.other_digests = state.cache_map.other_digests;
  }
  for (std::size_t i = 0; i < state.inputs.size(); ++i) {
    node.inputs.push_back({0, known ? state.cache_map.inputs[i].selector : Digest(), state.inputs[i].content_digest});
  }
  const EdgeState& edge = state.edges[index];
  node.result = edge.result;
  for (const std::vector<KeyId>* keys : {&edge.store_keys, &edge.match_keys}) {
    for (const KeyId key : *keys) {
      if (!IsImported(key) && std::find(node.keys.begin(), node.keys.end(), key) == node.keys.end()) {
        node.keys.push_back(key);
      }
    }
  }
  for (const KeyId key : edge.match_keys) {
    for (const auto& import : state.imports) {
      if (const auto found = import->NodeOf(key)) {
        node.imported.push_back({import, *found});
      }
    }
  }
  for (const KeyId key : node.keys) {
    for (CacheRecord& record : LOAM_TRY(storage_.Records(key))) {
      node.records.push_back(std::move(record));
    }
  }
  std::stable_sort(node.records.begin(), node.records.end(),
                   [](const CacheRecord& a, const CacheRecord& b) { return a.created > b.created; });
  return node;
}

}  // namespace loam::solver
