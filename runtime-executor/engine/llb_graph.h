// From LLB to the solver's graph.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime-executor/solver/vertex.h"

namespace loam::engine {

struct LlbGraph {
  solver::GraphPtr graph;
  // One for each definition; nullopt: scratch.
  std::vector<std::optional<solver::Edge>> results;
};

// Reads and checks serialised pb.Definitions into one graph. Errors are kInvalidArgument and name the op.
Result<LlbGraph> ReadLlbGraph(std::span<const std::string_view> definitions);

}  // namespace loam::engine
