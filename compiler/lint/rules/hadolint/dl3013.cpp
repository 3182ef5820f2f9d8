// DL3013: pip install without versions.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsPinned(std::string_view package) {
  if (package.starts_with("git+") || package.starts_with("hg+") || package.starts_with("bzr+") ||
      package.starts_with("svn+")) {
    const std::size_t scheme = package.find("://");
    const std::size_t path = package.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
    return path != std::string_view::npos && package.find('@', path) != std::string_view::npos;
  }
  for (const std::string_view sign : {"==", ">=", "<=", ">", "<", "!=", "~=", "@", "/"}) {
    if (package.find(sign) != std::string_view::npos) {
      return true;
    }
  }
  return package.starts_with('.') || package.ends_with(".whl") || package.ends_with(".tar.gz");
}

}  // namespace

void CheckDL3013(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, [](const shell::Command& command) {
    const auto packages = PipPackages(command, true);
    if (!packages) {
      return false;
    }
    for (const std::string_view option : {"r", "requirement", "c", "constraint"}) {
      if (command.HasOption(option)) {
        return false;
      }
    }
    return !std::all_of(packages->begin(), packages->end(), IsPinned);
  });
}

}  // namespace loam::lint::hadolint
