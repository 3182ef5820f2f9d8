// DL3061: something else than ARG above the first FROM.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3061(const FileView& file, const Reporter& report) {
  for (const InstructionView& view : file.instructions) {
    if (view.stage == nullptr && !view.trigger && view.As<ast::Arg>() == nullptr) {
      report(view);
      return;
    }
  }
}

}  // namespace loam::lint::hadolint
