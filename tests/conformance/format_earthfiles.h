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

  [[nodiscard]] bool AllWell() const {
    return accepted > 0 && formatted == accepted && idempotent == accepted && same == accepted;
  }
};

// Prints the files that fail. `only`: those whose path contains it.
Result<FormatTotals> FormatEarthfiles(const std::string& dir, const std::string& only);

}  // namespace loam::conformance
