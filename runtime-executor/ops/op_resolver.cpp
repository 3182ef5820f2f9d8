#include "runtime-executor/ops/op_resolver.h"

#include <fmt/format.h>

#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/build.h"
#include "runtime-executor/ops/diff.h"
#include "runtime-executor/ops/exec_op.h"
#include "runtime-executor/ops/file_op.h"
#include "runtime-executor/ops/fs_result.h"
#include "runtime-executor/ops/merge.h"
#include "runtime-executor/ops/op_failure.h"
#include "runtime-executor/ops/passthrough.h"
#include "runtime-executor/ops/source.h"

namespace loam::ops {

namespace {

// Any op, whose errors say which one failed.
class DescribedOp final : public solver::Op {
 public:
  DescribedOp(std::unique_ptr<solver::Op> op, const solver::Vertex& vertex)
      : op_(std::move(op)), payload_(std::static_pointer_cast<const LlbPayload>(vertex.payload)) {}

  [[nodiscard]] Result<solver::CacheMap> ComputeCacheMap(solver::OpContext& context) override {
    Result<solver::CacheMap> map = op_->ComputeCacheMap(context);
    if (!map) {
      return Unexpected(Describe(*payload_, std::move(map).error()));
    }
    for (std::size_t i = 0; i < map->inputs.size(); ++i) {
      if (solver::ContentKeyFunction& key = map->inputs[i].content_key) {
        key = [key = std::move(key), payload = payload_, i](
                  solver::OpContext& key_context, const solver::ResultPtr& input) -> Result<solver::ContentKey> {
          Result<solver::ContentKey> computed = key(key_context, input);
          if (!computed) {
            FailedFilesystems failed;
            failed.inputs = {FsOf(input)};
            failed.content_input = static_cast<std::int64_t>(i);
            return Unexpected(Describe(
                *payload, WithOuterDetail<FailedFilesystemsDetail>(std::move(computed).error(), std::move(failed))));
          }
          return computed;
        };
      }
    }
    return map;
  }
  [[nodiscard]] bool cheap_cache_map() const override { return op_->cheap_cache_map(); }
  [[nodiscard]] bool cpu_bound() const override { return op_->cpu_bound(); }
  [[nodiscard]] Result<std::vector<solver::ResultPtr>> Run(solver::OpContext& context,
                                                           std::span<const solver::ResultPtr> inputs) override {
    Result<std::vector<solver::ResultPtr>> results = op_->Run(context, inputs);
    if (!results) {
      return Unexpected(Describe(*payload_, std::move(results).error()));
    }
    return results;
  }

 private:
  static Error Describe(const LlbPayload& payload, Error error) {
    std::map<std::string, std::string> description;
    if (payload.metadata() != nullptr) {
      description.insert(payload.metadata()->description().begin(), payload.metadata()->description().end());
    }
    return WithOuterDetail<FailedOpDetail>(std::move(error), payload.shared_op(), std::move(description));
  }

  const std::unique_ptr<solver::Op> op_;
  const std::shared_ptr<const LlbPayload> payload_;
};

}  // namespace

Result<std::unique_ptr<solver::Op>> LlbOpResolver::Resolve(const solver::Vertex& vertex) {
  return std::make_unique<DescribedOp>(LOAM_TRY(ResolveKind(vertex)), vertex);
}

Result<std::unique_ptr<solver::Op>> LlbOpResolver::ResolveKind(const solver::Vertex& vertex) {
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
