// What is said when the tokens of an instruction are not in the order the grammar asks for.
#pragma once

#include <cstdint>

#include "compiler/diagnostics/emitter.h"
#include "compiler/syntax/tree.h"

namespace loam::parse {

// `offending` is the first token that does not fit, `body` the keyword token of the instruction or trigger it is in.
// Upstream looks at most triggers of ONBUILD only when an image is used, so that a warning is all that is due for them.
// Returns whether an error was reported.
bool ReportShapeError(const syntax::Tree& tree, std::uint32_t body, std::uint32_t offending, bool is_trigger,
                      diag::Emitter& emitter);

}  // namespace loam::parse
