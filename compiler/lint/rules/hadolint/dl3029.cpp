// DL3029: a constant platform in FROM.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3029(const FileView& file, const Reporter& report) {
  for (const StageView& stage : file.stages) {
    const ast::Text& platform = stage.from->platform;
    if (platform.present() && !HasVariable(platform.text)) {
      report(stage, report.description());
    }
  }
}

}  // namespace loam::lint::hadolint
