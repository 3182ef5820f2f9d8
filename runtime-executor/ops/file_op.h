// The file op: copy, mkfile, mkdir, rm and symlink, with BuildKit's semantics.
#pragma once

#include <memory>

#include "runtime-executor/ops/op_resolver.h"

namespace loam::ops {

Result<std::unique_ptr<solver::Op>> NewFileOp(const solver::Vertex& vertex, const LlbPayload& payload,
                                              const OpEnvironment& environment);

}  // namespace loam::ops
