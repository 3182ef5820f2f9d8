// DL3018: apk add without versions.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsPinned(std::string_view package) {
  return package.find_first_of("=~<>") != std::string_view::npos || package.ends_with(".apk") || package.empty();
}

}  // namespace

void CheckDL3018(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, [](const shell::Command& command) {
    const auto packages = Subcommand(
        command, {"apk"}, {"add"},
        {"t", "virtual", "X", "repository", "p", "root", "arch", "keys-dir", "repositories-file", "cache-dir", "wait"});
    return packages && !std::all_of(packages->begin(), packages->end(), IsPinned);
  });
}

}  // namespace loam::lint::hadolint
