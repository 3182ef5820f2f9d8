// Mistakes of a Dockerfile in the words of BuildKit's frontend, for clients that know it: scripts and tools look for
// these words in an error.
#pragma once

#include <string>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/source/source_range.h"

namespace loam::driver {

// `lines`: of the mistake; 0 if it has no place. A mistake that BuildKit words in another way than we do, and that no
// client is known to look for, keeps our words.
std::string WireMessage(const diag::Diagnostic& diagnostic, source::LineSpan lines);

}  // namespace loam::driver
