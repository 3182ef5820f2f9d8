// DL3041: dnf install without versions.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3041(const FileView& file, const Reporter& report) {
  EachWithTriggers<ast::Run>(file, [&](const InstructionView& view, const ast::Run&) {
    if (HasUnversionedRpm(file, view, {"dnf", "microdnf"})) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
