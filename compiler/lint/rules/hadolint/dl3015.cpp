// DL3015: apt-get install with recommended packages.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool TakesRecommended(const shell::Command& command) {
  if (!Subcommand(command, {"apt-get"}, {"install"}, AptOptions()) || command.HasOption("no-install-recommends")) {
    return false;
  }
  const auto arguments = command.Arguments();
  return std::none_of(arguments.begin(), arguments.end(), [](std::string_view argument) {
    return ToLowerAscii(argument).find("apt::install-recommends=") != std::string::npos &&
           IsOneOf(ToLowerAscii(argument.substr(argument.find('=') + 1)), {"false", "0", "no"});
  });
}

}  // namespace

void CheckDL3015(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, TakesRecommended, "install", "--no-install-recommends");
}

}  // namespace loam::lint::hadolint
