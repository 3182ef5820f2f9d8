// YAML (and so JSON) as JSON values.
#pragma once

#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace loam::cdi {

// The first document of the text. Scalars are strings, as they are written: who reads them knows what they should be.
// kInvalidArgument for what is no YAML, is nested too deep, or has too many nodes (aliases count as what they stand
// for).
Result<nlohmann::json> ParseYaml(std::string_view text);

}  // namespace loam::cdi
