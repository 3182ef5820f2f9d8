// `earthfile.v0`: Loam's own Earthfile compiler in process, behind a bridge as the frontend image is.
#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "runtime-executor/gateway/bridge/bridge_build.h"

namespace loam::gateway {

inline constexpr std::string_view kEarthfileFrontend = "earthfile.v0";

// Blocks. Options are those of frontend/earthfile_build.h; the Earthfile is `filename` in the client's directory
// "dockerfile". Mistakes are kInvalidArgument; what no gateway can do is kUnimplemented.
Result<FrontendResult> RunEarthfile(BridgeBuildOptions bridge, const std::map<std::string, std::string>& options,
                                    const std::string& session_id);

}  // namespace loam::gateway
