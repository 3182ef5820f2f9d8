// DL3057: a stage that is used has no HEALTHCHECK.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool HasHealthcheck(const StageView& stage) {
  for (const StageView* each = &stage; each != nullptr; each = each->base) {
    for (const InstructionView* view : each->instructions) {
      if (!view->trigger && view->As<ast::Healthcheck>() != nullptr) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

void CheckDL3057(const FileView& file, const Reporter& report) {
  for (const StageView* stage : StagesWithout(file, HasHealthcheck)) {
    report(*stage, report.description());
  }
}

}  // namespace loam::lint::hadolint
