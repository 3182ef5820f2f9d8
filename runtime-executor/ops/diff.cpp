#include "runtime-executor/ops/diff.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/go_json.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/fs_result.h"
#include "runtime-executor/ops/layer_downloads.h"
#include "runtime-executor/snapshot/layer_store.h"

namespace loam::ops {
namespace {

// pb.Empty: no input, the empty filesystem.
constexpr std::int64_t kNoInput = -1;

class DiffOp final : public solver::Op {
 public:
  DiffOp(const solver::Vertex& vertex, const pb::DiffOp& op, const OpEnvironment& environment)
      : vertex_(vertex), op_(op), environment_(environment) {}

  Result<solver::CacheMap> ComputeCacheMap(solver::OpContext&) override {
    GoJsonObject diff;
    if (op_.has_lower()) {
      diff.Always("lower", GoJsonObject().Add("input", op_.lower().input()).Text());
    }
    if (op_.has_upper()) {
      diff.Always("upper", GoJsonObject().Add("input", op_.upper().input()).Text());
    }
    solver::CacheMap map;
    map.digest =
        Digest::Of(GoJsonObject().Always("Type", GoJsonString("buildkit.diff.v0")).Always("Diff", diff.Text()).Text());
    map.preimage.fields = {
        {"op", "diff"}, {"lower", std::to_string(op_.lower().input())}, {"upper", std::to_string(op_.upper().input())}};
    map.inputs.resize(vertex_.inputs.size());
    return map;
  }
  [[nodiscard]] bool cheap_cache_map() const override { return true; }
  [[nodiscard]] bool cpu_bound() const override { return true; }

  Result<std::vector<solver::ResultPtr>> Run(solver::OpContext& context,
                                             std::span<const solver::ResultPtr> inputs) override {
    const snapshot::FsRef lower = LOAM_TRY(Input(op_.lower().input(), inputs));
    const snapshot::FsRef upper = LOAM_TRY(Input(op_.upper().input(), inputs));
    const auto lower_downloads = ShowLayerDownloads(*environment_.layers, lower, context);
    const auto upper_downloads = ShowLayerDownloads(*environment_.layers, upper, context);
    snapshot::FsRef fs = LOAM_TRY(environment_.layers->Diff(lower, upper, context.stop()));
    const auto of_upper = upper.layers();
    if (!fs.layers().empty() && std::find(of_upper.begin(), of_upper.end(), fs.layers().back()) == of_upper.end()) {
      LOAM_TRY(environment_.layers->Describe(fs, vertex_.name));
    }
    return std::vector<solver::ResultPtr>{MakeFsResult(std::move(fs))};
  }

 private:
  static Result<snapshot::FsRef> Input(std::int64_t index, std::span<const solver::ResultPtr> inputs) {
    if (index == kNoInput) {
      return snapshot::FsRef();
    }
    if (index < 0 || static_cast<std::size_t>(index) >= inputs.size()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("diff names input {} of {}", index, inputs.size()));
    }
    return FsOf(inputs[static_cast<std::size_t>(index)]);
  }

  const solver::Vertex& vertex_;
  const pb::DiffOp& op_;
  const OpEnvironment& environment_;
};

}  // namespace

Result<std::unique_ptr<solver::Op>> NewDiffOp(const solver::Vertex& vertex, const LlbPayload& payload,
                                              const OpEnvironment& environment) {
  return std::make_unique<DiffOp>(vertex, payload.op().diff(), environment);
}

}  // namespace loam::ops
