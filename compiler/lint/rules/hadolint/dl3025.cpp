// DL3025: CMD, ENTRYPOINT and HEALTHCHECK in shell form.
#include "compiler/lint/exec_form.h"

#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3025(const FileView& file, const Reporter& report) {
  for (const InstructionView& view : file.instructions) {
    const ast::CommandLine* line = nullptr;
    if (const auto* cmd = view.As<ast::Cmd>()) {
      line = &cmd->command;
    } else if (const auto* entrypoint = view.As<ast::Entrypoint>()) {
      line = &entrypoint->command;
    } else if (const auto* check = view.As<ast::Healthcheck>(); check != nullptr && !check->none) {
      line = &check->command;
    }
    if (line != nullptr && !line->json && !line->args.empty() && !view.trigger) {
      report(view, report.description(), ExecFormFixes(line->args.front()));
    }
  }
}

}  // namespace loam::lint::hadolint
