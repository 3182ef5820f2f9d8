// DL3027: apt.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3027(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, [](const shell::Command& command) { return command.name() == "apt"; });
}

}  // namespace loam::lint::hadolint
