// gateway.v0: a frontend that is an image. It runs as a container with the bridge on its standard input and output, its
// options in BUILDKIT_FRONTEND_OPT_<n>, and returns its result through the bridge.
#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "runtime-executor/gateway/bridge/bridge_build.h"

namespace loam::gateway {

inline constexpr std::string_view kGatewayFrontend = "gateway.v0";

struct FrontendImageParts {
  // All outlive the run.
  engine::Job* job = nullptr;
  session::ClientServices* client = nullptr;
  // For what the frontend asks of other frontends.
  RunFrontend run_frontend;
  BridgeWorker worker;
  // As those of BridgeBuildOptions.
  provenance::RequestRegistry* requests = nullptr;
  std::string session_id;
  // For temporary files.
  std::string scratch_dir;
  // As that of BridgeBuildOptions.
  bool lazy = false;
};

// The image is the option "source". Blocks until the frontend's container is gone. On stop it is killed: kCanceled. The
// error that the frontend returns comes before the one with which its process ended.
Result<FrontendResult> RunFrontendImage(const FrontendImageParts& parts, const FrontendRequestPtr& request,
                                        const std::map<std::string, std::string>& inputs, std::stop_token stop);

}  // namespace loam::gateway
