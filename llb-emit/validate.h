// What each kind of op must have before anyone looks into it: required parts, and every index within its bounds.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace pb {
class Op;
}

namespace loam::llb {

// The error says what is wrong, not with which op.
[[nodiscard]] Result<> ValidateOp(const pb::Op& op);

// How many outputs a valid op has.
[[nodiscard]] std::uint32_t OutputCount(const pb::Op& op);

// Depth-first post-order from `root`; inputs[i] are the vertices that i needs, all of them in range. nullopt-like: an
// error for a cycle, naming one vertex on it.
[[nodiscard]] Result<std::vector<std::uint32_t>> TopologicalOrder(const std::vector<std::vector<std::uint32_t>>& inputs,
                                                                  std::uint32_t root);

}  // namespace loam::llb
