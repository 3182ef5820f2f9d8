// VERSION, found by a line scanner of its own as in the reference: white space is Unicode's, quotes mean nothing.
#pragma once

#include "compiler/ast/earthfile/ast.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/syntax/earth_tree.h"

namespace loam::ast::earthfile {

// Null if the first line that is neither blank nor a comment is not VERSION.
const Version* ScanVersion(syntax::earthfile::Tree& tree, diag::Emitter& emitter);

}  // namespace loam::ast::earthfile
