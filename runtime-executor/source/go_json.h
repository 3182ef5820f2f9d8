// Text as Go's encoding/json prints it; cache keys of sources are digests of such JSON.
#pragma once

#include <string>
#include <string_view>

namespace loam::source {

// Quoted; <, > and & escaped, bytes that are not UTF-8 replaced.
std::string GoJsonString(std::string_view text);

}  // namespace loam::source
