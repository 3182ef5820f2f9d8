#include "runtime-executor/ops/op_resolver.h"

#include <fmt/format.h>

#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/build.h"
#include "runtime-executor/ops/diff.h"
#include "runtime-executor/ops/exec_op.h"
#include "runtime-executor/ops/file_op.h"
#include "runtime-executor/ops/merge.h"
#include "runtime-executor/ops/passthrough.h"
#include "runtime-executor/ops/source.h"

namespace loam::ops {

Result<std::unique_ptr<solver::Op>> LlbOpResolver::Resolve(const solver::Vertex& vertex) {
  const auto& payload = static_cast<const LlbPayload&>(*vertex.payload);
  switch (payload.op().op_case()) {
    case pb::Op::kExec:
      return NewExecOp(vertex, payload, environment_);
    case pb::Op::kSource:
      return NewSourceOp(vertex, payload, environment_);
    case pb::Op::kFile:
      return NewFileOp(vertex, payload, environment_);
    case pb::Op::kBuild:
      return NewBuildOp(vertex, payload, environment_);
    case pb::Op::kMerge:
      return NewMergeOp(vertex, payload, environment_);
    case pb::Op::kDiff:
      return NewDiffOp(vertex, payload, environment_);
    case pb::Op::kPassthrough:
      return NewPassthroughOp(vertex, payload, environment_);
    default:  // protobuf's own enum: also kinds of a newer frontend
      return Unexpected(ErrorCode::kUnimplemented, fmt::format("operation kind {} of `{}` is not known",
                                                               static_cast<int>(payload.op().op_case()), vertex.name));
  }
}

}  // namespace loam::ops
