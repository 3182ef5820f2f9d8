// DL3032: yum leaves its cache.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool Uses(const shell::Command& command) {
  return Subcommand(command, {"yum"}, {"install", "groupinstall", "localinstall", "reinstall", "update", "upgrade"})
      .has_value();
}
bool CleansUp(const shell::Command& command) {
  const auto what = Subcommand(command, {"yum"}, {"clean"});
  return (what && !what->empty() && what->front() == "all") || Removes(command, {"/var/cache/yum"});
}

}  // namespace

void CheckDL3032(const FileView& file, const Reporter& report) {
  EachWithTriggers<ast::Run>(file, [&](const InstructionView& view, const ast::Run& run) {
    if (LeavesBehind(view.script, Uses, CleansUp) && !HasVolatileMount(run, {"/var/cache/yum"})) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
