// DL3009: package lists that stay in the layer.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool Updates(const shell::Command& command) {
  return Subcommand(command, {"apt-get", "apt", "aptitude"}, {"update"}, AptOptions()).has_value();
}
bool CleansUp(const shell::Command& command) {
  return Removes(command, {"/var/lib/apt/lists"});
}

}  // namespace

void CheckDL3009(const FileView& file, const Reporter& report) {
  EachWithTriggers<ast::Run>(file, [&](const InstructionView& view, const ast::Run& run) {
    const bool mounted = HasVolatileMount(run, {"/var/lib/apt/lists"}) ||
                         (HasVolatileMount(run, {"/var/lib/apt"}) && HasVolatileMount(run, {"/var/cache/apt"}));
    const auto& commands = view.script.commands;
    if (!mounted && std::any_of(commands.begin(), commands.end(), Updates) &&
        std::none_of(commands.begin(), commands.end(), CleansUp) && MattersToImage(file, view)) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
