// What a pass is: a function from a module to a better one. It appends a sentence to `changes` for each thing it
// changed, and leaves the module as it was if there is none.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/module.h"

namespace loam::passes {

using Changes = std::vector<std::string>;

#define LOAM_PASS(function, name, level, summary) void function(ir::Module& module, Changes& changes);
#include "compiler/passes/passes.def"
#undef LOAM_PASS

}  // namespace loam::passes
