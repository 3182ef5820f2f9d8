// Parser directives read without parsing the rest: which frontend a file asks for (`# syntax=`), and `check` options.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compiler/source/source_range.h"

namespace loam::parse {

struct DetectedDirective {
  std::string name;        // value up to the first blank: the image of `syntax`
  std::string value;       // the whole value
  std::uint32_t line = 0;  // counted from 1; 0 for the JSON form
  friend bool operator==(const DetectedDirective&, const DetectedDirective&) = default;
};

// `# key = value` among the directives at the top; a `#!` line in front is skipped, so is a byte order mark.
std::optional<DetectedDirective> FindDirective(std::string_view text, std::string_view key);
// `syntax` in any form: `# syntax=`, `// syntax=`, or a JSON text with the key "syntax".
std::optional<DetectedDirective> DetectSyntax(std::string_view text);

}  // namespace loam::parse
