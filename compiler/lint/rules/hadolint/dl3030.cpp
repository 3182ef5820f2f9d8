// DL3030: yum install that asks.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3030(const FileView& file, const Reporter& report) {
  ReportCommands(
      file, report,
      [](const shell::Command& command) {
        return Subcommand(command, {"yum"}, {"install", "groupinstall", "localinstall"}) && !command.HasOption("y") &&
               !command.HasOption("yes") && !command.HasOption("assumeyes");
      },
      "", "-y");
}

}  // namespace loam::lint::hadolint
