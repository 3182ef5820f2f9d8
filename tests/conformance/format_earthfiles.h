// Formatting every Earthfile of a folder: <dir>/golden.jsonl with corpus/.
#pragma once

#include <string>

#include "base/result.h"

namespace loam::conformance {

struct FormatTotals {
  int accepted = 0;   // by the reference
  int formatted = 0;  // comments are compared by the formatter
  int changed = 0;
  int idempotent = 0;
  int same = 0;  // the tree is still the recorded one
  // Of Earthfiles that change: the targets that were evaluated before and after, and those that make something else
  // then.
  int targets = 0;
  int evaluated = 0;
  int other_builds = 0;

  [[nodiscard]] bool AllWell() const {
    return accepted > 0 && formatted == accepted && idempotent == accepted && same == accepted && other_builds == 0;
  }
};

// Prints the files that fail. `only`: those whose path contains it. `builds`: of how many files that change the targets
// are evaluated.
Result<FormatTotals> FormatEarthfiles(const std::string& dir, const std::string& only, int builds);

}  // namespace loam::conformance
