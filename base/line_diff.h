// What changed between two texts, as people read it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace loam {

// Lines [before_begin, before_end) became lines [after_begin, after_end); lines are counted from 0. Lines end behind
// their line feeds.
struct LineChange {
  std::size_t before_begin = 0;
  std::size_t before_end = 0;
  std::size_t after_begin = 0;
  std::size_t after_end = 0;
};
// What has to change, in the order of the text; none if the texts are equal.
std::vector<LineChange> LineChanges(std::string_view before, std::string_view after);

// A unified diff (`diff -u`) with three lines around each change; "" if the texts are equal. The names stand behind
// `---` and `+++`. A last line without a line feed is marked as diff does.
std::string UnifiedDiff(std::string_view before, std::string_view after, std::string_view before_name,
                        std::string_view after_name);

}  // namespace loam
