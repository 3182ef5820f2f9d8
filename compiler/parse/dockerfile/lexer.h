// Text -> tokens: the part of Dockerfile syntax that depends on the place in a line rather than on a grammar.
#pragma once

#include "compiler/diagnostics/emitter.h"
#include "compiler/syntax/tree.h"

namespace loam::parse {

// Fills everything of `tree` but its nodes. The tokens are the whole text; each instruction and each directive ends
// with an `End` token.
void Lex(syntax::Tree& tree, diag::Emitter& emitter);

}  // namespace loam::parse
