// DL3010: an archive is copied and then unpacked by tar.
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
  Each<ast::Copy>(file, [&](const InstructionView& view, const ast::Copy& copy) {
    if (copy.from.present() || view.stage == nullptr) {
      return;
    }
    const std::vector<std::string> paths = Paths(copy);
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (IsArchive(paths[i])) {
        names.push_back(FileName(paths[i]));
      }
    }
    const auto unpacks = [&](const shell::Command& command) {
      const auto arguments = command.Arguments();
      return Extracts(command) && std::any_of(arguments.begin(), arguments.end(), [&](std::string_view argument) {
               return std::find(names.begin(), names.end(), FileName(argument)) != names.end();
             });
    };
    for (const InstructionView* later : view.stage->instructions) {
      const auto& commands = later->script.commands;
      if (later->number > view.number && std::any_of(commands.begin(), commands.end(), unpacks)) {
        report(view);
        return;
      }
    }
  });
}

}  // namespace loam::lint::hadolint
