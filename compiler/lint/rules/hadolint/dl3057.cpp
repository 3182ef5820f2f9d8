// DL3057: a stage that is used has no HEALTHCHECK.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool HasHealthcheck(const StageView& stage) {
  return std::any_of(stage.instructions.begin(), stage.instructions.end(), [](const InstructionView* view) {
    return !view->trigger && view->As<ast::Healthcheck>() != nullptr;
  });
}

}  // namespace

void CheckDL3057(const FileView& file, const Reporter& report) {
  for (const StageView* stage : StagesWithout(file, HasHealthcheck)) {
    report(*stage, report.description());
  }
}

}  // namespace loam::lint::hadolint
