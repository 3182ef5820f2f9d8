// DL3023: COPY --from its own stage.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3023(const FileView& file, const Reporter& report) {
  Each<ast::Copy>(file, [&](const InstructionView& view, const ast::Copy& copy) {
    if (view.stage != nullptr && !view.stage->name.empty() && EqualsIgnoreCase(copy.from.text, view.stage->name)) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
