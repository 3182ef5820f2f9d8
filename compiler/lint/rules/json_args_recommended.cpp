// JSONArgsRecommended: CMD or ENTRYPOINT in shell form.
#include <fmt/format.h>

#include "compiler/lint/exec_form.h"
#include "compiler/lint/rule.h"

namespace loam::lint {
namespace {

class JSONArgsRecommended : public Rule {
 public:
  using Rule::Rule;

  void OnCommand(bool has_shell) override {
    const auto* cmd = ast::As<ast::Cmd>(&instruction());
    const auto* entrypoint = ast::As<ast::Entrypoint>(&instruction());
    const bool shell_form =
        (cmd != nullptr && !cmd->command.json) || (entrypoint != nullptr && !entrypoint->command.json);
    if (shell_form && !has_shell) {
      const ast::CommandLine& command = cmd != nullptr ? cmd->command : entrypoint->command;
      Report(fmt::format("JSON arguments recommended for {} to prevent unintended behavior related to OS signals",
                         instruction().keyword.text),
             command.args.empty() ? std::vector<Fix>() : ExecFormFixes(command.args.front()));
    }
  }
};

}  // namespace

LOAM_DEFINE_RULE(JSONArgsRecommended)

}  // namespace loam::lint
