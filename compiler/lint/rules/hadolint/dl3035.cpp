// DL3035: zypper dist-upgrade.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3035(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, [](const shell::Command& command) {
    return Subcommand(command, {"zypper"}, {"dist-upgrade", "dup"}).has_value();
  });
}

}  // namespace loam::lint::hadolint
