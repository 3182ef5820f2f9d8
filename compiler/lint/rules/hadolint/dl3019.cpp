// DL3019: apk add that leaves its index.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3019(const FileView& file, const Reporter& report) {
  EachWithTriggers<ast::Run>(file, [&](const InstructionView& view, const ast::Run& run) {
    std::vector<const shell::Command*> found;
    for (const shell::Command& command : view.script.commands) {
      if (Subcommand(command, {"apk"}, {"add"}) && !command.HasOption("no-cache")) {
        found.push_back(&command);
      }
    }
    if (!found.empty() && !HasVolatileMount(run, {"/var/cache/apk", "/etc/apk/cache"})) {
      report(view, report.description(), InsertWord(file, view, found, "add", "--no-cache"));
    }
  });
}

}  // namespace loam::lint::hadolint
