// Shell patterns of ${X#p}, ${X%p} and ${X/p/r}: `*`, `?`, and `\` before these; no bracket expressions, as upstream.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace loam::sema {

// `value` without the shortest (greedy: longest) prefix or suffix that matches. kInvalidArgument for a bad escape.
Result<std::string> TrimMatchingPrefix(std::string_view pattern, std::string_view value, bool greedy);
Result<std::string> TrimMatchingSuffix(std::string_view pattern, std::string_view value, bool greedy);
// The first match (all: every match) replaced. Stops once the result is longer than `limit`.
Result<std::string> ReplaceMatches(std::string_view pattern, std::string_view value, std::string_view replacement,
                                   bool all, std::size_t limit);

}  // namespace loam::sema
