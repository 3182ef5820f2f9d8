// What `--check` prints: the answer to BuildKit's `frontend.lint`, as text and as JSON.
#pragma once

#include <string>
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
// In the order of the checks.
std::string CheckJson(const CheckReport& report);

}  // namespace loam::driver
