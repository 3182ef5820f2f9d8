// DL3067: COPY --from=stage / /.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3067(const FileView& file, const Reporter& report) {
  Each<ast::Copy>(file, [&](const InstructionView& view, const ast::Copy& copy) {
    const std::vector<std::string> paths = Paths(copy);
    if (copy.from.present() && paths.size() == 2 && paths[0] == "/" && paths[1] == "/") {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
