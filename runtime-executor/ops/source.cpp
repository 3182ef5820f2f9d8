#include "runtime-executor/ops/source.h"

#include <utility>

#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/fs_result.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/source/source.h"

namespace loam::ops {
namespace {

// Part of the cache key: the name and version of the scheme.
constexpr std::string_view kCacheType = "buildkit.source.v0:";

class SourceOp final : public solver::Op {
 public:
  explicit SourceOp(std::unique_ptr<source::SourceInstance> instance) : instance_(std::move(instance)) {}

  Result<solver::CacheMap> ComputeCacheMap(solver::OpContext& context) override {
    source::SourceContext surroundings = SurroundingsOf(context);
    source::SourceKey key = LOAM_TRY(instance_->Resolve(surroundings));
    if (key.keys.empty()) {
      return Unexpected(ErrorCode::kInternal, "the source has no cache key");
    }
    solver::CacheMap map;
    map.digest = DigestOf(key.keys.front());
    for (std::size_t i = 1; i < key.keys.size(); ++i) {
      map.other_digests.push_back(DigestOf(key.keys[i]));
    }
    map.preimage = std::move(key.preimage);
    map.transient = key.transient;
    return map;
  }

  Result<std::vector<solver::ResultPtr>> Run(solver::OpContext& context, std::span<const solver::ResultPtr>) override {
    source::SourceContext surroundings = SurroundingsOf(context);
    return std::vector<solver::ResultPtr>{MakeFsResult(LOAM_TRY(instance_->Fetch(surroundings)))};
  }

 private:
  static Digest DigestOf(const std::string& key) { return Digest::Of(std::string(kCacheType) + key); }

  static source::SourceContext SurroundingsOf(solver::OpContext& context) {
    const std::shared_ptr<JobServices> services = ServicesOf(context);
    // Shares the services' ownership: what a lazy layer needs later lives as long as the layer.
    return {std::shared_ptr<session::ClientServices>(services, &services->client()), &context.progress(),
            context.stop()};
  }

  const std::unique_ptr<source::SourceInstance> instance_;
};

std::optional<Platform> PlatformOf(const pb::Op& op) {
  if (!op.has_platform()) {
    return std::nullopt;
  }
  const pb::Platform& platform = op.platform();
  return Platform{platform.os(),
                  platform.architecture(),
                  platform.variant(),
                  platform.osversion(),
                  {platform.osfeatures().begin(), platform.osfeatures().end()}};
}

}  // namespace

Result<std::unique_ptr<solver::Op>> NewSourceOp(const solver::Vertex&, const LlbPayload& payload,
                                                const OpEnvironment& environment) {
  const pb::SourceOp& op = payload.op().source();
  source::SourceRequest request;
  request.identifier = op.identifier();
  request.attributes.insert(op.attrs().begin(), op.attrs().end());
  request.platform = PlatformOf(payload.op());
  return std::make_unique<SourceOp>(LOAM_TRY(environment.sources->Open(request)));
}

}  // namespace loam::ops
