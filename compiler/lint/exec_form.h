// Fixes that several rules offer for commands in shell form.
#pragma once

#include <vector>

#include "compiler/ast/dockerfile/ast.h"
#include "compiler/lint/warning.h"

namespace loam::lint {

// `node server.js` as `["node", "server.js"]`: the program is then started without a shell. Unsafe by nature; none if
// the shell would do more with the command than to split it at blanks.
std::vector<Fix> ExecFormFixes(const ast::Text& command);

}  // namespace loam::lint
