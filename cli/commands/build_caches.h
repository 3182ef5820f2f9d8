// --cache-from and --cache-to of `loam build`, as `docker buildx build` has them.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "cli/build_engine.h"
#include "cli/command.h"
#include "runtime-executor/session/local_client_services.h"

namespace loam::cli {

// Local directories become layouts of `client`. A local cache to import that is not there is left out with a note, as
// it is in the first build of a series. A mistake is kInvalidArgument.
Result<BuildCaches> ParseBuildCaches(const Context& context, const Flags& flags, session::LocalClientOptions& client);

// Names what was written in the index of a local cache's directory; `response` is what the export said.
Result<> NameLocalCache(const BuildCaches::LocalIndex& index, const std::map<std::string, std::string>& response);

}  // namespace loam::cli
