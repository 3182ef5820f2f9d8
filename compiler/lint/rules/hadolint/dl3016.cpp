// DL3016: npm install without versions.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsPinned(std::string_view package) {
  for (const std::string_view git : {"git://", "git+ssh://", "git+http://", "git+https://"}) {
    if (package.starts_with(git)) {
      return package.find('#') != std::string_view::npos;
    }
  }
  for (const std::string_view folder : {"/", "./", "../", "~/"}) {
    if (package.starts_with(folder)) {
      return true;
    }
  }
  return package == "." || package.ends_with(".tar") || package.ends_with(".tar.gz") || package.ends_with(".tgz") ||
         package.find('@', 1) != std::string_view::npos;
}

}  // namespace

void CheckDL3016(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, [](const shell::Command& command) {
    const auto packages =
        Subcommand(command, {"npm"}, {"install", "i", "add"},
                   {"loglevel", "registry", "prefix", "cache", "userconfig", "tag", "omit", "include"});
    return packages && !std::all_of(packages->begin(), packages->end(), IsPinned);
  });
}

}  // namespace loam::lint::hadolint
