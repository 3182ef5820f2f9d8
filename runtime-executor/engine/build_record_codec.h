// Steps of a build as bytes, for the history table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime-executor/solver/job.h"

namespace loam::engine {

std::string EncodeSteps(const std::vector<solver::StepReport>& steps);
// kDataLoss if the bytes are damaged or of a version that is not known.
Result<std::vector<solver::StepReport>> DecodeSteps(std::string_view bytes);

}  // namespace loam::engine
