// DL3014: apt-get install that asks.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool Asks(const shell::Command& command) {
  return Subcommand(command, {"apt-get"}, {"install"}, AptOptions()) && !command.HasOption("y") &&
         !command.HasOption("yes") && !command.HasOption("assume-yes") && !command.HasArgument("-q=2") &&
         command.CountOption("q") + command.CountOption("quiet") < 2;
}

}  // namespace

void CheckDL3014(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, Asks, "install", "-y");
}

}  // namespace loam::lint::hadolint
