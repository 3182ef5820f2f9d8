// DL3012: several HEALTHCHECKs in a stage.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3012(const FileView& file, const Reporter& report) {
  for (const StageView& stage : file.stages) {
    bool seen = false;
    for (const InstructionView* view : stage.instructions) {
      if (!view->trigger && view->As<ast::Healthcheck>() != nullptr) {
        if (seen) {
          report(*view);
        }
        seen = true;
      }
    }
  }
}

}  // namespace loam::lint::hadolint
