// Removing large trees.
#pragma once

#include <stop_token>
#include <string>

#include "base/result.h"

namespace loam {

// RemoveTreeAt (file_system.h) that may be ended before it is done: kCanceled, and what is not removed yet stays.
Result<> RemoveTreeAt(int dir_fd, const std::string& name, const std::stop_token& stop);

}  // namespace loam
