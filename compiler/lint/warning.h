// What a build check found.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/source/source_range.h"

namespace loam::lint {

// BuildKit's checks are all warnings.
enum class Severity : std::uint8_t { kError, kWarning, kInfo, kStyle };
// "error", "warning", "info", "style"
std::string_view SeverityName(Severity severity);

// What is known of a rule; lives for ever, or as long as Warning::keep_alive.
struct RuleInfo {
  std::string_view name;
  std::string_view description;
  std::string_view url;  // "": the rule has none
  bool experimental = false;
  int level = 1;
  Severity severity = Severity::kWarning;
};

// Whether a fix may be made without a look at it.
enum class FixSafety : std::uint8_t {
  kSafe,    // the build stays the same, digest by digest: `--fix` proves it before it writes
  kUnsafe,  // what is built changes, as the warning asks for
};

// Edits of the file that was checked; they do not overlap, and are applied together.
struct Fix {
  std::string title;  // "write `AS`"
  std::vector<diag::Edit> edits;
  FixSafety safety = FixSafety::kSafe;
};

struct Warning {
  const RuleInfo* rule = nullptr;
  std::string message;
  source::LineSpan lines;
  // Alternatives, best first; mostly none or one.
  std::vector<Fix> fixes = {};
  // Where in those lines, if it is known better: else invalid.
  source::SourceRange range = {};
  // Owner of `rule`, where that is in no table (ShellCheck's).
  std::shared_ptr<const void> keep_alive = {};
};

}  // namespace loam::lint
