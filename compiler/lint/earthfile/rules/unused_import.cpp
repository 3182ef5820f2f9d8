// UnusedImport: an IMPORT whose alias no reference has.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckUnusedImport(const FileView& file, const Reporter& report) {
  for (const sema::ImportDefinition& import : file.symbols.imports) {
    bool used = false;
    for (const sema::ReferenceUse& use : file.symbols.references) {
      if (use.kind == sema::ReferenceKind::kImport || (import.scope != 0 && use.scope != import.scope)) {
        continue;
      }
      const std::string_view project = file.buffer->TextOf(use.project);
      used = used || project == import.alias || project.find('$') != std::string_view::npos;
    }
    if (!used) {
      report(import.command->location.range, fmt::format("nothing refers to `{}`", import.alias),
             SafeFix("remove it", WholeLines(*file.buffer, import.command->location.range), ""));
    }
  }
}

}  // namespace loam::lint::earthfile
