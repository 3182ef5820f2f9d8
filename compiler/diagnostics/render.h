// Diagnostics for people and for programs. Pure functions: text out, nothing printed.
#pragma once

#include <span>
#include <string>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/source/source_manager.h"

namespace loam::diag {

struct TerminalOptions {
  bool color = false;
  // Columns of source shown of a line; longer lines are cut around the caret, with `…` at the cut.
  std::uint32_t width = 120;
};

// One diagnostic, ending with an empty line:
//
//   error: unknown instruction `RNU` [LD0201]
//    --> Dockerfile:3:1
//     |
//   3 | RNU make
//     | ^^^
//     = hint: did you mean `RUN`?
std::string RenderTerminal(const Diagnostic& diagnostic, const source::SourceManager& sources,
                           const TerminalOptions& options = {});
std::string RenderTerminal(std::span<const Diagnostic> diagnostics, const source::SourceManager& sources,
                           const TerminalOptions& options = {});

// By file and place; those of equal place keep their order. The stages of the compiler report one after the other: sort
// what is shown together.
void SortByPosition(std::vector<Diagnostic>& diagnostics);

// {"diagnostics": [{code, name, severity, message, file, range: {start: {line, column, offset}, end}, labels, notes,
// hints, fixes, docs}]}; columns in bytes. Two spaces of indentation, ends with a line feed.
std::string RenderJson(std::span<const Diagnostic> diagnostics, const source::SourceManager& sources);

// SARIF 2.1.0, one run; columns in UTF-16 code units.
std::string RenderSarif(std::span<const Diagnostic> diagnostics, const source::SourceManager& sources,
                        std::string_view tool_version);

}  // namespace loam::diag
