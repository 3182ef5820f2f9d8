// DL4000: MAINTAINER.
#include "compiler/lint/maintainer_fix.h"

#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL4000(const FileView& file, const Reporter& report) {
  Each<ast::Maintainer>(file, [&](const InstructionView& view, const ast::Maintainer& maintainer) {
    report(view, report.description(), MaintainerFixes(maintainer));
  });
}

}  // namespace loam::lint::hadolint
