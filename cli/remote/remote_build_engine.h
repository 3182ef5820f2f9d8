// BuildEngine over the Control API of BuildKit daemons and loamd: the compiler here, the work there.
#pragma once

#include <memory>
#include <vector>

#include "cli/build_engine.h"
#include "cli/remote/engine_address.h"

namespace loam::cli {

// Several engines: a build goes to the first one whose workers are of its platform. Nothing is connected to before a
// build.
std::unique_ptr<BuildEngine> MakeRemoteBuildEngine(std::vector<EngineAddress> engines, EngineTls tls);

}  // namespace loam::cli
