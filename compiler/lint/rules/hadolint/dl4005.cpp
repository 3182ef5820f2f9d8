// DL4005: a link at /bin/sh.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL4005(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, [](const shell::Command& command) {
    return command.name() == "ln" && command.words.size() > 1 && command.words.back().text == "/bin/sh";
  });
}

}  // namespace loam::lint::hadolint
