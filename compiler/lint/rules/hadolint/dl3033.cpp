// DL3033: yum install without versions.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3033(const FileView& file, const Reporter& report) {
  EachWithTriggers<ast::Run>(file, [&](const InstructionView& view, const ast::Run&) {
    if (HasUnversionedRpm(file, view, {"yum"})) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
