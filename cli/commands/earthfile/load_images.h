// SAVE IMAGE of an Earthfile build: also into the user's Docker daemon.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/command.h"
#include "runtime-executor/gateway/earthfile/output_writer.h"

namespace loam::cli {

// Without `required`, as earthly does it where Docker runs: no daemon is no mistake. `endpoint` is DockerEndpoint's.
gateway::earthfile::DockerLoad LoadSavedImages(const Context& context, const Result<std::string>& endpoint,
                                               bool required);

}  // namespace loam::cli
