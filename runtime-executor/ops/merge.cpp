#include "runtime-executor/ops/merge.h"

#include <fmt/format.h>

#include "base/go_json.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/fs_result.h"
#include "runtime-executor/snapshot/layer_store.h"

namespace loam::ops {
namespace {

class MergeOp final : public solver::Op {
 public:
  MergeOp(const solver::Vertex& vertex, const pb::MergeOp& op, const OpEnvironment& environment)
      : vertex_(vertex), op_(op), environment_(environment) {}

  Result<solver::CacheMap> ComputeCacheMap(solver::OpContext&) override {
    std::vector<std::string> inputs;
    for (const pb::MergeInput& input : op_.inputs()) {
      inputs.push_back(GoJsonObject().Add("input", input.input()).Text());
    }
    GoJsonObject merge;
    if (!inputs.empty()) {
      merge.Always("inputs", GoJsonArray(inputs));
    }
    solver::CacheMap map;
    map.digest = Digest::Of(
        GoJsonObject().Always("Type", GoJsonString("buildkit.merge.v0")).Always("Merge", merge.Text()).Text());
    map.preimage.fields = {{"op", "merge"}, {"inputs", std::to_string(op_.inputs_size())}};
    map.inputs.resize(vertex_.inputs.size());
    return map;
  }
  [[nodiscard]] bool cheap_cache_map() const override { return true; }

  Result<std::vector<solver::ResultPtr>> Run(solver::OpContext&, std::span<const solver::ResultPtr> inputs) override {
    std::vector<snapshot::FsRef> refs;
    for (const pb::MergeInput& input : op_.inputs()) {
      if (input.input() < 0 || static_cast<std::size_t>(input.input()) >= inputs.size()) {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("merge names input {} of {}", input.input(), inputs.size()));
      }
      refs.push_back(FsOf(inputs[static_cast<std::size_t>(input.input())]));
    }
    return std::vector<solver::ResultPtr>{MakeFsResult(LOAM_TRY(environment_.layers->Merge(refs)))};
  }

 private:
  const solver::Vertex& vertex_;
  const pb::MergeOp& op_;
  const OpEnvironment& environment_;
};

}  // namespace

Result<std::unique_ptr<solver::Op>> NewMergeOp(const solver::Vertex& vertex, const LlbPayload& payload,
                                               const OpEnvironment& environment) {
  return std::make_unique<MergeOp>(vertex, payload.op().merge(), environment);
}

}  // namespace loam::ops
