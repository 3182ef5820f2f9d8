// DL3060: yarn leaves its cache.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool Uses(const shell::Command& command) {
  return Subcommand(command, {"yarn"}, {"install"}).has_value();
}
bool CleansUp(const shell::Command& command) {
  const auto what = Subcommand(command, {"yarn"}, {"cache"});
  return what && !what->empty() && what->front() == "clean";
}

}  // namespace

void CheckDL3060(const FileView& file, const Reporter& report) {
  EachWithTriggers<ast::Run>(file, [&](const InstructionView& view, const ast::Run& run) {
    if (LeavesBehind(view.script, Uses, CleansUp) && MattersToImage(file, view) &&
        !HasVolatileMount(
            run, {"/root/.cache/yarn", "/root/.cache", "/usr/local/share/.cache/yarn", "/usr/local/share/.cache"})) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
