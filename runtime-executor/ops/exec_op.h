// The exec op: a process in a container, with BuildKit's semantics of mounts, environment and exit codes.
#pragma once

#include <memory>

#include "runtime-executor/ops/op_resolver.h"

namespace loam::ops {

Result<std::unique_ptr<solver::Op>> NewExecOp(const solver::Vertex& vertex, const LlbPayload& payload,
                                              const OpEnvironment& environment);

}  // namespace loam::ops
