// Applies the fixes of findings to an Earthfile. A safe one is proved by evaluating every target before and after
// (proof.h of compiler/driver/earthfile).
#pragma once

#include <string>

#include "base/result.h"
#include "compiler/driver/fix.h"
#include "compiler/driver/lint/lint_file.h"

namespace loam::driver::findings {

// Fixes what can be fixed, until nothing is left to fix. Safe fixes whose proof fails are not made. kFailedPrecondition
// if the file has syntax errors.
Result<FixOutcome> FixEarthfile(const std::string& name, std::string_view text, const EarthfilePlace& place,
                                const LintOptions& options, const FixOptions& fix_options);

}  // namespace loam::driver::findings
