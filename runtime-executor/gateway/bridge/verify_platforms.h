// Does a result have the platforms that were asked for? BuildKit's clients are warned when it does not.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/gateway/bridge/frontend_result.h"

namespace loam::gateway {

// `requested` is the frontend's option "platform" (several by comma); nullptr: the host's. `platforms` are those of the
// result. The warnings, in BuildKit's words.
Result<std::vector<std::string>> PlatformWarnings(const std::string* requested, const FrontendResult& result,
                                                  std::span<const engine::PlatformResult> platforms);

}  // namespace loam::gateway
