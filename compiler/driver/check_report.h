// What `--check` prints: the answer to BuildKit's `frontend.lint`, as text and as JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/lint/warning.h"
#include "compiler/source/source_manager.h"

namespace loam::driver {

struct CheckReport {
  const std::vector<lint::Warning>& warnings;
  // The first error among them is the report's `buildError`.
  const std::vector<diag::Diagnostic>& diagnostics;
  const source::Buffer& buffer;
};

// Sorted by line, each with its lines of the file. Without the error, which diagnostics show better.
std::string CheckText(const CheckReport& report);
// In the order of the checks. Rules that are not BuildKit's have a `severity` beside what upstream writes.
std::string CheckJson(const CheckReport& report);
// SARIF 2.1.0: rules, places, levels and fixes; errors too. `version`: the program's.
std::string CheckSarif(const CheckReport& report, std::string_view version);

}  // namespace loam::driver
