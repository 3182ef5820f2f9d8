// EmptyTarget: a target without a command.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckEmptyTarget(const FileView& file, const Reporter& report) {
  for (const sema::RecipeScope& scope : file.symbols.scopes) {
    if (scope.kind == sema::ScopeKind::kTarget && scope.recipe.empty()) {
      report(scope.name_range, fmt::format("`+{}` has no commands", scope.name));
    }
  }
}

}  // namespace loam::lint::earthfile
