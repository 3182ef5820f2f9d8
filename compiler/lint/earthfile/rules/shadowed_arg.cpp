// ShadowedArg: an ARG, LET or FOR of a recipe with the name of a global ARG.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckShadowedArg(const FileView& file, const Reporter& report) {
  for (const sema::VariableDefinition& global : file.symbols.variables) {
    if (global.scope != 0 || !global.global || global.kind != sema::VariableKind::kArg) {
      continue;
    }
    for (const sema::VariableDefinition& local : file.symbols.variables) {
      if (local.scope != 0 && local.name == global.name && local.kind != sema::VariableKind::kEnv &&
          file.symbols.scopes[local.scope].kind == sema::ScopeKind::kTarget) {
        report(local.name_range,
               fmt::format("this {} hides the global ARG `{}` of line {}", sema::KeywordOf(local.kind), local.name,
                           file.buffer->lines().Line(global.name_range.begin)));
      }
    }
  }
}

}  // namespace loam::lint::earthfile
