// Why a file that COPY or ADD names is not in the build context, and which one was meant.
#pragma once

#include <string>

#include "base/error.h"
#include "cli/commands/build_context.h"

namespace loam::cli {

// A hint for an error of the form `"/path": not found`: the line of the ignore file that excludes it, the same name in
// other case, the nearest name in its directory, a file of the same name elsewhere, or the pattern that nothing
// matches. Empty if nothing is known, or if the error is of another kind. `step` is the failed step's name.
std::string MissingFileHint(const Error& error, const std::string& step, const BuildContext& files);

// The same for `COPY …` of the Earthfile in this directory. Artifacts are no files: what is told of these is their
// form.
std::string MissingEarthfileCopyHint(const Error& error, const std::string& command, const std::string& directory);

}  // namespace loam::cli
