// DL4003: several CMDs in a stage.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL4003(const FileView& file, const Reporter& report) {
  for (const StageView& stage : file.stages) {
    bool seen = false;
    for (const InstructionView* view : stage.instructions) {
      if (!view->trigger && view->As<ast::Cmd>() != nullptr) {
        if (seen) {
          report(*view);
        }
        seen = true;
      }
    }
  }
}

}  // namespace loam::lint::hadolint
