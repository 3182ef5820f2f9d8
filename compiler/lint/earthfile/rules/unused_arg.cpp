// UnusedArg: an ARG that nothing of its recipe mentions.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckUnusedArg(const FileView& file, const Reporter& report) {
  for (const sema::VariableDefinition& variable : file.symbols.variables) {
    // A builtin in the environment of a step matters to its cache; documentation says that an ARG is meant for callers.
    if (variable.kind != sema::VariableKind::kArg || IsMentioned(file, variable)) {
      continue;
    }
    report(variable.name_range, fmt::format("nothing {} mentions `{}`; each value of it is built anew all the same",
                                            variable.global ? "in this file" : "in this recipe", variable.name));
  }
}

}  // namespace loam::lint::earthfile
