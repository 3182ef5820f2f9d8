// Mistakes in earthly's words: scripts that run `earthly` look for them in its output.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/source/source_manager.h"

namespace loam::cli {

// nullopt where Loam's own words are earthly's as well, or earthly has no such mistake. A file that cannot be parsed is
// a "syntax error" to it, whatever is wrong.
std::optional<std::string> EarthlyWords(const diag::Diagnostic& diagnostic);

// A line `Error: <file>:<line>:<column> <words>` for each error, columns from 0, in Loam's words where EarthlyWords has
// none, and one `Hint: …` for each of its hints.
std::string RenderEarthlyWords(std::span<const diag::Diagnostic> diagnostics, const source::SourceManager& sources);

}  // namespace loam::cli
