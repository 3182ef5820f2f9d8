// UnpinnedRemote: a reference to a repository without tag or commit.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckUnpinnedRemote(const FileView& file, const Reporter& report) {
  for (const sema::ReferenceUse& use : file.symbols.references) {
    if (use.reference && use.reference->IsRemote() && !use.reference->IsStandardLibrary() &&
        use.reference->tag.empty()) {
      report(use.project, fmt::format("`{0}` is what its default branch holds by then: name a tag or commit, `{0}:…`",
                                      file.buffer->TextOf(use.project)));
    }
  }
}

}  // namespace loam::lint::earthfile
