// How deep JSON from outside is: parsers read it step by step, but whoever prints or copies it goes down a call a
// level.
#pragma once

#include <cstddef>
#include <string_view>

namespace loam {

// Whether arrays and objects of `json` are nested in more than `limit` levels. Of text that is no JSON it says either.
bool JsonNestsDeeperThan(std::string_view json, std::size_t limit);

}  // namespace loam
