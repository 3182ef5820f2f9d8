// DL3047: wget that shows its progress.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3047(const FileView& file, const Reporter& report) {
  ReportCommands(
      file, report,
      [](const shell::Command& command) {
        if (command.name() != "wget" || command.words.size() < 2) {
          return false;
        }
        for (const std::string_view option :
             {"progress", "q", "quiet", "no-verbose", "o", "output-file", "a", "append-output", "version", "help"}) {
          if (command.HasOption(option)) {
            return false;
          }
        }
        return !command.HasArgument("-nv");
      },
      "", "--progress=dot:giga");
}

}  // namespace loam::lint::hadolint
