// Text -> tokens of an Earthfile: what a line starts with, where words end, where a recipe begins and ends.
#pragma once

#include "compiler/diagnostics/emitter.h"
#include "compiler/syntax/earth_tree.h"

namespace loam::parse::earthfile {

// Fills everything of `tree` but its nodes. The tokens are the whole text; each line with a command or header ends with
// an `End`; `Indent` and `Dedent` enclose recipes, and alternate.
void Lex(syntax::earthfile::Tree& tree, diag::Emitter& emitter);

}  // namespace loam::parse::earthfile
