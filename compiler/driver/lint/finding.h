// What `loam lint` found, in one form for both languages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/lint/warning.h"
#include "compiler/source/source_manager.h"

namespace loam::driver::findings {

using loam::lint::Severity;

struct Finding {
  const source::Buffer* buffer = nullptr;  // lives as long as the SourceManager of the run
  std::string rule;                        // "DL3008", "UnusedArg"; the code of a diagnostic: "LE0001"
  std::string description;
  std::string url;
  Severity severity = Severity::kWarning;
  std::string message;
  source::LineSpan lines;
  source::SourceRange range;  // invalid: whole lines
  std::vector<loam::lint::Fix> fixes;

  [[nodiscard]] const std::string& file() const { return buffer->name(); }
};

// "error", "warning", "info", "style"; "information" and "hint" are other words for the last two. nullopt: none of
// them.
std::optional<Severity> ParseSeverity(std::string_view word);
// The more severe, the smaller.
inline bool IsAtLeast(Severity severity, Severity threshold) {
  return static_cast<int>(severity) <= static_cast<int>(threshold);
}

}  // namespace loam::driver::findings
