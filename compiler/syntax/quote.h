// Text in double quotes, on one line and in ASCII, for printed trees.
#pragma once

#include <string>
#include <string_view>

namespace loam::syntax {

std::string Quote(std::string_view text);

}  // namespace loam::syntax
