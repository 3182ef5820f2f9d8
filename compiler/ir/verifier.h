// Checks a module against ops.def and the rules of each op (indexes in range, mounts sorted, one output of a file op
// …).
#pragma once

#include "base/result.h"
#include "compiler/ir/module.h"

namespace loam::ir {

// An error names the node and the rule. Our own bug when it fails after sema or a pass; input error for a parsed text.
[[nodiscard]] Result<> Verify(const Module& module);

}  // namespace loam::ir
