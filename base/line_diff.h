// What changed between two texts, as people read it.
#pragma once

#include <string>
#include <string_view>

namespace loam {

// A unified diff (`diff -u`) with three lines around each change; "" if the texts are equal. The names stand behind
// `---` and `+++`. A last line without a line feed is marked as diff does.
std::string UnifiedDiff(std::string_view before, std::string_view after, std::string_view before_name,
                        std::string_view after_name);

}  // namespace loam
