// UnusedVariable: a LET that nothing of its recipe reads.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckUnusedVariable(const FileView& file, const Reporter& report) {
  for (const sema::VariableDefinition& variable : file.symbols.variables) {
    if (variable.kind == sema::VariableKind::kLet && !IsMentioned(file, variable)) {
      report(variable.name_range, fmt::format("nothing in this recipe mentions `{}`", variable.name));
    }
  }
}

}  // namespace loam::lint::earthfile
