// UnusedFunction: a function that no DO calls.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckUnusedFunction(const FileView& file, const Reporter& report) {
  if (!file.KnowsProject()) {
    return;
  }
  // A file of functions alone is a library for other repositories.
  const bool has_targets = !file.file->targets.empty();
  for (const sema::RecipeScope& scope : file.symbols.scopes) {
    if (scope.kind == sema::ScopeKind::kFunction && has_targets && scope.docs.empty() &&
        !file.uses().IsUsed(file.options->directory, scope.name)) {
      report(scope.name_range,
             fmt::format("nothing calls `{}`; a comment above it says what it is there for", scope.name));
    }
  }
}

}  // namespace loam::lint::earthfile
