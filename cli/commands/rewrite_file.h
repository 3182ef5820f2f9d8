// Replacing a file of the user by a corrected one.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace loam::cli {

// Complete or not at all, through symlinks, with the file's permissions kept. kNotFound if the file is gone.
Result<> RewriteFile(const std::string& path, std::string_view text);

}  // namespace loam::cli
