// Source op: resolves and fetches an image, a local directory and the like by way of source::SourceSet.
#pragma once

#include <memory>

#include "base/result.h"
#include "runtime-executor/ops/op_resolver.h"
#include "runtime-executor/solver/op.h"

namespace loam::ops {

Result<std::unique_ptr<solver::Op>> NewSourceOp(const solver::Vertex& vertex, const LlbPayload& payload,
                                                const OpEnvironment& environment);

}  // namespace loam::ops
