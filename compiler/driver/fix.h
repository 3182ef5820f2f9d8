// Applies the fixes of build checks to a Dockerfile, and proves each of them by compiling before and after.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "compiler/driver/compile.h"
#include "compiler/lint/warning.h"
#include "compiler/sema/build_host.h"

namespace loam::driver {

// Applies edits, which do not overlap, to a text. `begin` and `end` of their ranges count.
std::string ApplyEdits(std::string_view text, std::vector<diag::Edit> edits);

struct FixReport {
  std::string rule;
  source::LineSpan lines;  // in the text that it was applied to
  std::string title;
  bool applied = false;
  // What the build makes differently; empty: every op digest and image config of every stage is the same.
  std::vector<std::string> changes;
};

struct FixOutcome {
  std::string text;
  // Applied fixes in the order of application, then those that were not.
  std::vector<FixReport> reports;
};

struct FixOptions {
  // Also fixes that change what is built; each report says what.
  bool unsafe = false;
};

// Fixes what can be fixed, until nothing is left to fix: run over its own result it changes nothing. Safe fixes whose
// proof fails are not applied. kFailedPrecondition with a hint if the text does not compile: nothing can be proved
// then. `options.target` is compiled, and every stage that has a name.
Result<FixOutcome> FixDockerfile(const std::string& name, std::string_view text, const CompileOptions& options,
                                 sema::BuildHost& host, const FixOptions& fix_options);

}  // namespace loam::driver
