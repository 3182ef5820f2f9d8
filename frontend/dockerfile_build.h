// Dockerfiles behind the gateway API: what BuildKit's own Dockerfile frontend does.
#pragma once

#include <map>
#include <string>
#include <variant>

#include "base/result.h"
#include "frontend/environment.h"
#include "frontend/gateway_client.h"

namespace loam::frontend {

// The file that was asked for is an Earthfile.
struct EarthfileFound {
  std::string name;
};

// `inputs`: of the frontend.
Result<std::variant<api::Result, EarthfileFound>> BuildDockerfile(GatewayClient& client, const Environment& environment,
                                                                  const std::map<std::string, std::string>& inputs);

// By its name ("Earthfile", "*.earth"), or because its first command is VERSION.
bool IsEarthfile(std::string_view name, std::string_view text);

}  // namespace loam::frontend
