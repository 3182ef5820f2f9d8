// DL3024: two stages of one name.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3024(const FileView& file, const Reporter& report) {
  for (const StageView& stage : file.stages) {
    const StageView* other = stage.name.empty() ? nullptr : file.FindStage(stage.name, stage.index);
    if (other != nullptr && EqualsIgnoreCase(other->name, stage.name)) {
      report(stage, report.description());
    }
  }
}

}  // namespace loam::lint::hadolint
