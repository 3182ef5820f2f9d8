// BuildSite on the engine of this process.
#pragma once

#include <memory>

#include "runtime-executor/gateway/earthfile/build_site.h"
#include "runtime-executor/session/client_services.h"

namespace loam::gateway::earthfile {

// Both outlive it.
std::unique_ptr<BuildSite> MakeEngineSite(engine::Job& job, session::ClientServices& client);

}  // namespace loam::gateway::earthfile
