// DL3010: an archive is copied and then unpacked by tar.
#include <set>

#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool IsArchive(std::string_view path) {
  for (const std::string_view end : {".tar", ".Z", ".bz2", ".gz", ".lz", ".lzma", ".tZ", ".tb2", ".tbz", ".tbz2",
                                     ".tgz", ".tlz", ".tpz", ".txz", ".xz"}) {
    if (path.ends_with(end)) {
      return true;
    }
  }
  return false;
}

bool Extracts(const shell::Command& command) {
  if (command.name() != "tar") {
    return false;
  }
  const auto arguments = command.Arguments();
  return command.HasOption("x") || command.HasOption("extract") || command.HasOption("get") ||
         (!arguments.empty() && arguments[0].size() < 6 && arguments[0].find('x') != std::string_view::npos &&
          arguments[0].find_first_not_of("xvzjJfpPk") == std::string_view::npos);
}

}  // namespace

void CheckDL3010(const FileView& file, const Reporter& report) {
  for (const StageView& stage : file.stages) {
    // Files that some tar further down unpacks.
    std::set<std::string_view> unpacked;
    for (auto view = stage.instructions.rbegin(); view != stage.instructions.rend(); ++view) {
      for (const shell::Command& command : (*view)->script.commands) {
        if (Extracts(command)) {
          for (const std::string_view argument : command.Arguments()) {
            unpacked.insert(FileName(argument));
          }
        }
      }
      const auto* copy = (*view)->trigger ? nullptr : (*view)->As<ast::Copy>();
      if (copy == nullptr || copy->from.present()) {
        continue;
      }
      const std::vector<std::string> paths = Paths(*copy);
      if (std::any_of(paths.begin(), paths.end(),
                      [&](const std::string& path) { return IsArchive(path) && unpacked.contains(FileName(path)); })) {
        report(**view);
      }
    }
  }
}

}  // namespace loam::lint::hadolint
