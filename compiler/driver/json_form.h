// JSON in the form in which BuildKit's answers have it. Private to the .cpp files that write it.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "compiler/source/source_range.h"

namespace loam::driver {

// {"ranges": [{"start": {"line": 3}, "end": {"line": 3}}, …]}: one range for each line.
nlohmann::ordered_json JsonLocation(source::LineSpan lines);
// As Go writes it: two spaces of indentation, `<`, `>`, `&`, U+2028 and U+2029 escaped; ends with a line feed.
std::string JsonText(const nlohmann::ordered_json& json);

}  // namespace loam::driver
