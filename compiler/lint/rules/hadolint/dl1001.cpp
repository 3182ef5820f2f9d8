// DL1001: a pragma that switches rules off for one instruction.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL1001(const FileView& file, const Reporter& report) {
  for (const Pragma& pragma : file.pragmas->all()) {
    if (pragma.kind == Pragma::Kind::kIgnore) {
      report(source::LineSpan{pragma.line, pragma.line}, report.description());
    }
  }
}

}  // namespace loam::lint::hadolint
