// DL3062: go install, go get and go run without versions.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsPinned(std::string_view package) {
  if (package.starts_with('.') || package.starts_with('/') || package.ends_with(".go")) {
    return true;
  }
  const std::size_t at = package.find('@');
  return at != std::string_view::npos && package.substr(at) != "@latest";
}

}  // namespace

void CheckDL3062(const FileView& file, const Reporter& report) {
  ReportCommands(file, report, [](const shell::Command& command) {
    const std::vector<std::string_view> options = {"ldflags", "gcflags", "asmflags", "tags", "o",
                                                   "mod",     "modfile", "p",        "C",    "exec"};
    if (const auto packages = Subcommand(command, {"go"}, {"install", "get"}, options)) {
      return !std::all_of(packages->begin(), packages->end(), IsPinned);
    }
    const auto program = Subcommand(command, {"go"}, {"run"}, options);
    return program && !program->empty() && !IsPinned(program->front());
  });
}

}  // namespace loam::lint::hadolint
