// What `--call=subrequests.describe` prints: the answer to BuildKit's `frontend.subrequests.describe`, the questions
// that the frontend answers, as text and as JSON.
#pragma once

#include <string>

namespace loam::driver {

std::string DescribeText();
std::string DescribeJson();

}  // namespace loam::driver
