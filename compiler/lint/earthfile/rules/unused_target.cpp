// UnusedTarget: a target that nothing refers to and that can only be meant for other targets.
#include "compiler/lint/earthfile/rule.h"

#include <algorithm>

namespace loam::lint::earthfile {

namespace {

// Something comes out of it, or it is there to be run.
bool IsEntry(const FileView& file, const sema::RecipeScope& scope) {
  bool entry = false;
  bool saves = false;  // for other targets alone
  bool runs = false;
  sema::EachStatement(scope.recipe, [&](const ast::Statement& statement) {
    // What cannot be read may be anything.
    if (statement.kind == ast::StatementKind::kWith || statement.invalid) {
      entry = true;
    }
    if (statement.kind != ast::StatementKind::kCommand) {
      return;
    }
    const ast::Command& command = *statement.command;
    switch (command.kind) {
      case ast::CommandKind::kBuild:
      case ast::CommandKind::kSaveImage:
      case ast::CommandKind::kLocally:
      case ast::CommandKind::kDo:
        entry = true;
        break;
      case ast::CommandKind::kRun:
        runs = true;
        entry = entry || std::any_of(command.args.begin(), command.args.end(),
                                     [](const ast::Word& word) { return word.text == "--push"; });
        break;
      default:
        break;
    }
  });
  for (const sema::ArtifactSave& save : file.symbols.artifacts) {
    if (&file.symbols.scopes[save.scope] == &scope) {
      entry = entry || save.as_local;
      saves = true;
    }
  }
  // Without an artifact, what it runs may be a test.
  return entry || (!saves && runs) || scope.recipe.empty();
}

}  // namespace

void CheckUnusedTarget(const FileView& file, const Reporter& report) {
  if (!file.KnowsProject()) {
    return;
  }
  for (const sema::RecipeScope& scope : file.symbols.scopes) {
    if (scope.kind == sema::ScopeKind::kTarget && scope.docs.empty() &&
        !file.uses().IsUsed(file.options->directory, scope.name) && !IsEntry(file, scope)) {
      report(scope.name_range,
             fmt::format(
                 "nothing refers to `+{}`, and nothing comes out of it; a comment above it says what it is there for",
                 scope.name));
    }
  }
}

}  // namespace loam::lint::earthfile
