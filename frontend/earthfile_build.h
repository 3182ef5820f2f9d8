// Earthfile targets behind the gateway API: one target is evaluated, and what it makes is the one result of the build.
//
//   --target test, or --build-arg LOAM_TARGET=+test     the target; an artifact as LOAM_TARGET=+build/out/app
//   --build-arg LOAM_OUTPUT=image | artifacts           which of the two, where a target has both
//
// An image (SAVE IMAGE) is a result with a config; artifacts (SAVE ARTIFACT … AS LOCAL) are files at their
// destinations, for `-o type=local`; a target without either is built, and its filesystem is the result.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "frontend/environment.h"
#include "frontend/gateway_client.h"

namespace loam::frontend {

// `earthfile`: its name in the client's directory "dockerfile".
Result<api::Result> BuildEarthfile(GatewayClient& client, const Environment& environment,
                                   const std::map<std::string, std::string>& inputs, const std::string& earthfile);

}  // namespace loam::frontend
