// From LLB to the solver's graph.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime-executor/solver/vertex.h"

namespace loam::engine {

struct LlbGraph {
  solver::GraphPtr graph;
  // One for each definition; nullopt: scratch.
  std::vector<std::optional<solver::Edge>> results;
  // Ids of the cache mounts of steps that ignore the cache: they begin empty.
  std::set<std::string> renewed_cache_mounts;
};

// Reads and checks serialised pb.Definitions into one graph, whose vertices are also looked up in `imports`. Errors are
// kInvalidArgument and name the op.
Result<LlbGraph> ReadLlbGraph(std::span<const std::string_view> definitions,
                              const std::vector<std::shared_ptr<const solver::CacheImport>>& imports);

}  // namespace loam::engine
