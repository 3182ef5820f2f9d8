// DL3037: zypper install without versions.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3037(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, [](const shell::Command& command) {
    const auto packages = Subcommand(command, {"zypper"}, {"install", "in"}, {"r", "repo", "t", "type", "from"});
    return packages && std::any_of(packages->begin(), packages->end(), [](std::string_view package) {
             return package.find_first_of("=<>") == std::string_view::npos && !package.ends_with(".rpm");
           });
  });
}

}  // namespace loam::lint::hadolint
