// UnusedArtifact: a SAVE ARTIFACT that no other target takes and that is not written to the machine.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckUnusedArtifact(const FileView& file, const Reporter& report) {
  if (!file.KnowsProject()) {
    return;
  }
  for (const sema::ArtifactSave& save : file.symbols.artifacts) {
    const sema::RecipeScope& scope = file.symbols.scopes[save.scope];
    // One with documentation is meant for the command line.
    if (scope.kind != sema::ScopeKind::kTarget || save.as_local || !save.command->docs.empty() || !scope.docs.empty() ||
        !file.uses().IsUsed(file.options->directory, scope.name) ||
        file.uses().IsArtifactUsed(file.options->directory, scope.name, save.path)) {
      continue;
    }
    report(save.command->location.range, fmt::format("no target takes `+{}{}`", scope.name, save.path));
  }
}

}  // namespace loam::lint::earthfile
