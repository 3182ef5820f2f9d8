// The request that the flags of `loam build` describe.
#pragma once

#include "cli/build_engine.h"
#include "cli/command.h"
#include "cli/commands/build_context.h"

namespace loam::cli {

// Everything of the request but the exports.
Result<BuildRequest> MakeBuildRequest(const Context& context, const Flags& flags, const BuildContext& files);

}  // namespace loam::cli
