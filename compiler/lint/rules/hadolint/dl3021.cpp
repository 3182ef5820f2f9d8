// DL3021: several sources and a destination that is no directory.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3021(const FileView& file, const Reporter& report) {
  Each<ast::Copy>(file, [&](const InstructionView& view, const ast::Copy& copy) {
    const std::vector<std::string> paths = Paths(copy);
    if (paths.size() > 2 && !paths.back().ends_with('/')) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
