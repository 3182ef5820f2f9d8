// DL3008: apt-get install without versions.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsPinned(std::string_view package) {
  return package.find('=') != std::string_view::npos || package.starts_with('/') || package.starts_with("./") ||
         package.ends_with(".deb");
}

}  // namespace

void CheckDL3008(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, [](const shell::Command& command) {
    const auto packages = Subcommand(command, {"apt-get"}, {"install"}, AptOptions());
    return packages && !std::all_of(packages->begin(), packages->end(), IsPinned);
  });
}

}  // namespace loam::lint::hadolint
