// Syntax tree -> typed tree of an Earthfile.
#pragma once

#include <memory>

#include "compiler/ast/earthfile/ast.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/syntax/earth_tree.h"

namespace loam::ast::earthfile {

// Total: always returns a tree; what is wrong was reported to `emitter`. The buffer of `tree` outlives the result.
Earthfile BuildEarthfile(std::shared_ptr<syntax::earthfile::Tree> tree, diag::Emitter& emitter);

}  // namespace loam::ast::earthfile
