// BuildEngine over the Control API of BuildKit daemons and loamd: the compiler here, the work there.
#pragma once

#include <memory>
#include <vector>

#include "cli/build_engine.h"
#include "cli/remote/engine_address.h"

namespace loam::cli {

// Several engines: each platform of a build goes to the first one whose workers are of it. If that takes several, they
// build at the same time, and what they make is put together (merge_engines.h). Nothing is connected to before a build.
std::unique_ptr<BuildEngine> MakeRemoteBuildEngine(std::vector<EngineAddress> engines, EngineTls tls);

}  // namespace loam::cli
