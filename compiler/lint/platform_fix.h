// The fix of `FROM --platform=$TARGETPLATFORM`.
#pragma once

#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/lint/warning.h"

namespace loam::lint {

// Removes the flag and the blanks in front of it.
inline std::vector<Fix> RemovePlatformFixes(const ast::From& from) {
  const ast::Flag* flag = from.FindFlag("platform");
  // With another flag before it, or behind a continuation, there is more than a blank in between.
  if (flag == nullptr || from.flags.size() != 1 || from.lines.first != from.last_header_line) {
    return {};
  }
  return {
      {"remove `--platform`", {{{flag->range.file, from.keyword.range.end, flag->range.end}, ""}}, FixSafety::kSafe}};
}

}  // namespace loam::lint
