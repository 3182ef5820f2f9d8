// A user's mistake as a value: what is wrong, where, what belongs to it, and what to do.
#pragma once

#include <string>
#include <vector>

#include "compiler/diagnostics/kind.h"
#include "compiler/source/source_range.h"

namespace loam::diag {

// A second place that matters, with a few words about it: "first set here".
struct Label {
  source::SourceRange range;
  std::string text;
};

// Replaces the bytes of `range`; all edits of one fix are applied together.
struct Edit {
  source::SourceRange range;
  std::string replacement;
};

struct FixIt {
  std::string title;
  std::vector<Edit> edits;
};

struct Diagnostic {
  Kind kind{};
  Severity severity{};
  std::string message;
  // Invalid (no file) when the mistake has no place in a text, such as an unknown `--target`.
  source::SourceRange range;
  std::vector<Label> labels;
  std::vector<std::string> notes;
  std::vector<std::string> hints;
  std::vector<FixIt> fixes;

  [[nodiscard]] bool is_error() const { return severity == Severity::Error; }
};

}  // namespace loam::diag
