// DL3034: zypper install that asks.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3034(const FileView& file, const Reporter& report) {
  ReportCommands(
      file, report,
      [](const shell::Command& command) {
        return Subcommand(command, {"zypper"}, {"install", "in", "remove", "rm", "source-install", "si", "patch"}) &&
               !command.HasOption("n") && !command.HasOption("non-interactive") && !command.HasOption("y") &&
               !command.HasOption("no-confirm");
      },
      "", "-n");
}

}  // namespace loam::lint::hadolint
