// --attest, --provenance and --sbom of `loam build`, as `docker buildx build` has them.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "cli/command.h"

namespace loam::cli {

// As options of a frontend: "attest:provenance" -> "mode=max". A mistake is kInvalidArgument.
Result<std::map<std::string, std::string>> ParseAttests(const Flags& flags);

}  // namespace loam::cli
