// One line of comma-separated values (RFC 4180), as command lines and BuildKit's attributes have them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loam {

// A field in double quotes may hold commas, "" in it is a quote. nullopt: a quote is not closed.
std::optional<std::vector<std::string>> SplitCsv(std::string_view text);

}  // namespace loam
