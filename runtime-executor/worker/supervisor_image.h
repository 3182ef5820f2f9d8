// The supervisor program (supervisor/supervisor.cpp), carried inside this one.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loam::worker {

std::string_view SupervisorImage();

// The program as an anonymous file that can be executed (ProcessSpec::program_fd).
Result<UniqueFd> OpenSupervisor();

}  // namespace loam::worker
