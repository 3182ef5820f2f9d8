// DL4006: a pipe whose failures are lost.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool SetsPipefail(const std::vector<std::string>& shell) {
  if (shell.empty() || !IsOneOf(FileName(shell[0]), {"bash", "zsh", "ash", "ksh"})) {
    return false;
  }
  for (std::size_t i = 1; i + 1 < shell.size(); ++i) {
    if (shell[i].starts_with('-') && shell[i].ends_with('o') && shell[i + 1] == "pipefail") {
      return true;
    }
  }
  return false;
}
bool SetsPipefail(const shell::Command& command) {
  return command.name() == "set" && command.HasArgument("pipefail");
}

}  // namespace

void CheckDL4006(const FileView& file, const Reporter& report) {
  Each<ast::Run>(file, [&](const InstructionView& view, const ast::Run&) {
    const auto& commands = view.script.commands;
    if (view.script.has_pipe && !SetsPipefail(view.shell) &&
        std::none_of(commands.begin(), commands.end(), [](const auto& command) { return SetsPipefail(command); })) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
