// DL3003: cd in a RUN.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3003(const FileView& file, const Reporter& report) {
  Each<ast::Run>(file, [&](const InstructionView& view, const ast::Run&) {
    const auto& commands = view.script.commands;
    if (std::any_of(commands.begin(), commands.end(), [](const auto& command) { return command.name() == "cd"; })) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
