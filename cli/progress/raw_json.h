// rawjson: one JSON object a line, in the shape of BuildKit's client.SolveStatus ({"vertexes":[…],"statuses":[…],…}).
#pragma once

#include "cli/progress/display.h"

namespace loam::cli {
std::unique_ptr<ProgressDisplay> MakeRawJsonDisplay(const DisplayOptions& options);
}  // namespace loam::cli
