// DL3063: a reserved stage name.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3063(const FileView& file, const Reporter& report) {
  for (const StageView& stage : file.stages) {
    if (IsOneOf(stage.name, {"scratch", "context"})) {
      report(stage, report.description());
    }
  }
}

}  // namespace loam::lint::hadolint
