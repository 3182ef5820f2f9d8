// The LLBBridge service of a gRPC server.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <grpcpp/impl/codegen/service_type.h>

#include "base/result.h"
#include "runtime-executor/gateway/bridge/bridge_build.h"

namespace loam::gateway {

// The build that a call belongs to. `build_id` is what the caller sent ("buildkit-controlapi-buildid"); "" if it sent
// none. The build stays alive as long as the call.
using FindBridgeBuild = std::function<Result<std::shared_ptr<BridgeBuild>>(const std::string& build_id)>;

std::unique_ptr<grpc::Service> MakeBridgeService(FindBridgeBuild find);

}  // namespace loam::gateway
