#include "runtime-executor/ops/passthrough.h"

#include <fmt/format.h>

#include "base/go_json.h"
#include "proto/solver/pb/ops.pb.h"

namespace loam::ops {
namespace {

class PassthroughOp final : public solver::Op {
 public:
  PassthroughOp(const solver::Vertex& vertex, const pb::PassthroughOp& op) : vertex_(vertex), op_(op) {}

  Result<solver::CacheMap> ComputeCacheMap(solver::OpContext&) override {
    GoJsonObject passthrough;
    passthrough.Add("id", op_.id());
    if (op_.outputs_size() > 0) {
      std::vector<std::string> outputs;
      for (const std::int64_t output : op_.outputs()) {
        outputs.push_back(std::to_string(output));
      }
      passthrough.Always("outputs", GoJsonArray(outputs));
    }
    solver::CacheMap map;
    map.digest = Digest::Of(GoJsonObject()
                                .Always("Type", GoJsonString("buildkit.passthrough.v0"))
                                .Always("Passthrough", passthrough.Text())
                                .Text());
    map.preimage.fields = {{"op", "passthrough"}, {"attr:id", op_.id()}};
    for (const std::int64_t output : op_.outputs()) {
      map.preimage.fields.push_back({"attr:output", std::to_string(output)});
    }
    map.inputs.resize(vertex_.inputs.size());
    return map;
  }
  [[nodiscard]] bool cheap_cache_map() const override { return true; }

  Result<std::vector<solver::ResultPtr>> Run(solver::OpContext&, std::span<const solver::ResultPtr> inputs) override {
    std::vector<solver::ResultPtr> results;
    for (const std::int64_t output : op_.outputs()) {
      if (output < 0 || static_cast<std::size_t>(output) >= inputs.size()) {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("passthrough names input {} of {}", output, inputs.size()));
      }
      results.push_back(inputs[static_cast<std::size_t>(output)]);
    }
    return results;
  }

 private:
  const solver::Vertex& vertex_;
  const pb::PassthroughOp& op_;
};

}  // namespace

Result<std::unique_ptr<solver::Op>> NewPassthroughOp(const solver::Vertex& vertex, const LlbPayload& payload,
                                                     const OpEnvironment&) {
  return std::make_unique<PassthroughOp>(vertex, payload.op().passthrough());
}

}  // namespace loam::ops
