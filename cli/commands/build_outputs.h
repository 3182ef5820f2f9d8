// -o, --push, --load and -t of `loam build`, turned into exports.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "cli/command.h"
#include "runtime-executor/engine/engine.h"

namespace loam::cli {

struct BuildOutputs {
  std::vector<engine::ExportRequest> exports;
  // --load: the docker-archive that is handed to the Docker daemon after the build; empty if nothing is loaded.
  std::string load_archive;
  std::optional<TempDir> temporary;
};

// A mistake is kInvalidArgument. `wants_image`: something asks for an image's id even without -t or -o.
Result<BuildOutputs> ParseBuildOutputs(const Context& context, const Flags& flags, bool wants_image);

// Sends a docker-archive to the daemon that DOCKER_HOST names (default unix:///var/run/docker.sock): POST /images/load.
Result<> LoadIntoDocker(const Context& context, const std::string& archive);

}  // namespace loam::cli
