// RemotePrivileges: --allow-privileged for a project that is fetched.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckRemotePrivileges(const FileView& file, const Reporter& report) {
  for (const sema::ReferenceUse& use : file.symbols.references) {
    if (!use.reference || !use.reference->IsRemote() || use.reference->IsStandardLibrary()) {
      continue;
    }
    for (const ast::Word& word : use.command->args) {
      if (word.text == "--allow-privileged" || word.text == "--allow-privileged=true") {
        report(
            word.range,
            sema::IsPinnedTag(use.reference->tag)
                ? fmt::format("`{}` may do to the builder's machine what root can", use.text)
                : fmt::format("`{}`, whatever it is by then, may do to the builder's machine what root can", use.text));
      }
    }
  }
}

}  // namespace loam::lint::earthfile
