// Passthrough op: gives some of its inputs as its outputs.
#pragma once

#include <memory>

#include "base/result.h"
#include "runtime-executor/ops/op_resolver.h"
#include "runtime-executor/solver/op.h"

namespace loam::ops {

Result<std::unique_ptr<solver::Op>> NewPassthroughOp(const solver::Vertex& vertex, const LlbPayload& payload,
                                                     const OpEnvironment& environment);

}  // namespace loam::ops
