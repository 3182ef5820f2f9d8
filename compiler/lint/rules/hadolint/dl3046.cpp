// DL3046: useradd with a high user id.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3046(const FileView& file, const Reporter& report) {
  ReportCommands(
      file, report,
      [](const shell::Command& command) {
        if (command.name() != "useradd" || command.HasOption("l") || command.HasOption("no-log-init")) {
          return false;
        }
        return command.OptionValue("u").size() > 5 || command.OptionValue("uid").size() > 5;
      },
      "", "-l");
}

}  // namespace loam::lint::hadolint
