// DL3001: commands for a machine that runs, not for a build.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3001(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, [](const shell::Command& command) {
    return IsOneOf(command.name(),
                   {"ssh", "vim", "shutdown", "service", "ps", "free", "top", "kill", "mount", "ifconfig"});
  });
}

}  // namespace loam::lint::hadolint
