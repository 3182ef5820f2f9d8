// DL3036: zypper leaves its cache.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3036(const FileView& file, const Reporter& report) {
  EachWithTriggers<ast::Run>(file, [&](const InstructionView& view, const ast::Run& run) {
    const auto uses = [](const shell::Command& command) {
      return Subcommand(command, {"zypper"}, {"install", "in"}).has_value();
    };
    const auto cleans_up = [](const shell::Command& command) {
      return Subcommand(command, {"zypper"}, {"clean", "cc"}).has_value() || Removes(command, {"/var/cache/zypp"});
    };
    if (LeavesBehind(view.script, uses, cleans_up) && !HasVolatileMount(run, {"/var/cache/zypp"})) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
