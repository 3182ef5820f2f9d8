// DL3022: COPY --from something that is neither a stage above nor an image.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3022(const FileView& file, const Reporter& report) {
  Each<ast::Copy>(file, [&](const InstructionView& view, const ast::Copy& copy) {
    const std::string_view from = copy.from.text;
    if (copy.from.present() && from.find_first_of(":$@") == std::string_view::npos && view.stage != nullptr &&
        file.FindStage(from, view.stage->index) == nullptr &&
        !(!view.stage->name.empty() && EqualsIgnoreCase(view.stage->name, from))) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
