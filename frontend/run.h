// One build of the frontend image: what is asked for in the environment is built over a bridge and returned.
#pragma once

#include "frontend/environment.h"
#include "frontend/gateway_client.h"

namespace loam::frontend {

// The result, or why there is none, was handed to the daemon. An Error: the daemon could not be told.
Result<> Run(GatewayClient& client, const Environment& environment);

}  // namespace loam::frontend
