// The recorded build-check cases: <dir>/checks/buildkit-check-cases.jsonl and buildkit-doc-cases.jsonl.
#pragma once

#include <string>

#include "base/result.h"

namespace loam::conformance {

struct CheckTotals {
  int cases = 0;  // each built for its target, and checked as a whole
  int agreeing = 0;
  int documented = 0;  // examples of the rules' pages
  int documented_agreeing = 0;
};

// Prints what differs, unless `quiet`. Nothing is counted if there is no such folder.
Result<CheckTotals> RunChecks(const std::string& dir, bool quiet);

}  // namespace loam::conformance
