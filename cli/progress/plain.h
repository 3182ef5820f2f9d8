// The plain display: a line for everything that happens, in the form of BuildKit's plain output, fit for CI logs.
#pragma once

#include "cli/progress/display.h"

namespace loam::cli {
std::unique_ptr<ProgressDisplay> MakePlainDisplay(const DisplayOptions& options);
// Keeps the model and prints only the log of a failed step.
std::unique_ptr<ProgressDisplay> MakeQuietDisplay(const DisplayOptions& options);

// "------\n > [2/5] RUN make:\n0.123 line\n…------\n"
void PrintFailedLog(std::FILE* out, const Step& step);
// "transferring context: 1.2MB / 3.4MB", and "0.5s" ("" if it has not started).
std::string StatusText(const StepStatus& status);
std::string StatusTime(const StepStatus& status, WallTime now);
// Both: "transferring context: 1.2MB / 3.4MB 0.5s done"
std::string DescribeStatus(const StepStatus& status, WallTime now);
}  // namespace loam::cli
