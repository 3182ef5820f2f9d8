// DL3004: sudo.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3004(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, [](const shell::Command& command) { return command.name() == "sudo"; });
}

}  // namespace loam::lint::hadolint
