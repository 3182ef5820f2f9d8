#include "runtime-executor/ops/build.h"

#include <map>

#include <fmt/format.h>

#include "base/go_json.h"
#include "base/rooted_fs.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/fs_result.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/snapshot/layer_store.h"

namespace loam::ops {
namespace {

// pb.LLBBuilder, pb.LLBDefinitionInput, pb.LLBDefaultDefinitionFile, pb.AttrLLBDefinitionFilename.
constexpr std::int64_t kLlbBuilder = -1;
constexpr const char* kDefinitionInput = "buildkit.llb.definition";
constexpr const char* kDefaultFile = "buildkit.llb.definition";
constexpr const char* kFileAttribute = "llbbuilder.filename";

class BuildOp final : public solver::Op {
 public:
  BuildOp(const solver::Vertex& vertex, const pb::BuildOp& op, const OpEnvironment& environment)
      : vertex_(vertex), op_(op), environment_(environment) {}

  Result<solver::CacheMap> ComputeCacheMap(solver::OpContext&) override {
    const std::map<std::string, pb::BuildInput> inputs(op_.inputs().begin(), op_.inputs().end());
    const std::map<std::string, std::string> attributes(op_.attrs().begin(), op_.attrs().end());
    solver::CacheMap map;
    map.preimage.fields = {{"op", "build"}};
    GoJsonObject build;
    build.Add("builder", op_.builder());
    if (!inputs.empty()) {
      GoJsonObject object;
      for (const auto& [name, input] : inputs) {
        object.Always(name, GoJsonObject().Add("input", input.input()).Text());
      }
      build.Always("inputs", object.Text());
    }
    if (op_.has_def()) {
      std::vector<std::string> ops;
      for (const std::string& bytes : op_.def().def()) {
        ops.push_back(GoJsonBase64(bytes));
      }
      build.Always("def", GoJsonObject().Always("def", GoJsonArray(ops)).Text());
    }
    if (!attributes.empty()) {
      GoJsonObject object;
      for (const auto& [name, value] : attributes) {
        object.Always(name, GoJsonString(value));
        map.preimage.fields.push_back({"attr:" + name, value});
      }
      build.Always("attrs", object.Text());
    }
    map.digest = Digest::Of(
        GoJsonObject().Always("Type", GoJsonString("buildkit.build.v0")).Always("Exec", build.Text()).Text());
    map.inputs.resize(vertex_.inputs.size());
    return map;
  }
  [[nodiscard]] bool cheap_cache_map() const override { return true; }

  Result<std::vector<solver::ResultPtr>> Run(solver::OpContext& context,
                                             std::span<const solver::ResultPtr> inputs) override {
    if (op_.builder() != kLlbBuilder) {
      return Unexpected(ErrorCode::kInvalidArgument, "a build op can only be built by LLB itself");
    }
    const auto input = op_.inputs().find(kDefinitionInput);
    if (input == op_.inputs().end()) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("a build op without the input `{}`", kDefinitionInput));
    }
    const std::int64_t index = input->second.input();
    if (index < 0 || static_cast<std::size_t>(index) >= inputs.size()) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("a build op names input {} of {}", index, inputs.size()));
    }
    const auto attribute = op_.attrs().find(kFileAttribute);
    const std::string file = attribute == op_.attrs().end() ? kDefaultFile : attribute->second;
    pb::Definition definition;
    {
      const snapshot::MountedFs mount =
          LOAM_TRY(environment_.layers->Mount(FsOf(inputs[static_cast<std::size_t>(index)]), context.stop()));
      const std::string bytes = LOAM_TRY(ReadFileInRoot(mount.fd(), file));
      if (!definition.ParseFromString(bytes)) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no LLB definition", file));
      }
    }
    return std::vector<solver::ResultPtr>{
        MakeFsResult(LOAM_TRY(ServicesOf(context)->Solve(definition, context.stop())))};
  }

 private:
  const solver::Vertex& vertex_;
  const pb::BuildOp& op_;
  const OpEnvironment& environment_;
};

}  // namespace

Result<std::unique_ptr<solver::Op>> NewBuildOp(const solver::Vertex& vertex, const LlbPayload& payload,
                                               const OpEnvironment& environment) {
  return std::make_unique<BuildOp>(vertex, payload.op().build(), environment);
}

}  // namespace loam::ops
