// What the operator of a daemon wants the provenance of its builds to say: JSON files in a directory, merged.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace loam::daemon {

// The Dockerfile syntax that the daemon's own frontend has, by upstream's numbers.
inline constexpr std::string_view kDockerfileVersion = "1.26.0";

// A JSON object of all members of the files *.json in `directory`, in the order of their names: the last one counts.
// "" if there is no such directory. kInvalidArgument for a file that is no JSON object, and for members that the
// builder writes itself.
Result<std::string> ReadProvenanceEnvironment(const std::string& directory);

}  // namespace loam::daemon
