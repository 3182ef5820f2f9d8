// The recorded cases of hadolint: <dir>/checks/hadolint-cases.jsonl.
#pragma once

#include <string>

#include "base/result.h"

namespace loam::conformance {

struct HadolintTotals {
  int cases = 0;
  int agreeing = 0;
  // Rows about ShellCheck's findings; none are run if that program is not installed.
  int shell_cases = 0;
  int shell_agreeing = 0;
  bool has_shellcheck = true;
};

// Prints what differs, unless `quiet`. Nothing is counted if there is no such file.
Result<HadolintTotals> RunHadolintCases(const std::string& dir, bool quiet);

}  // namespace loam::conformance
