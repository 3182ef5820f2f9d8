// DL3040: dnf leaves its cache.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {
namespace {

bool Uses(std::string_view program, const shell::Command& command) {
  return Subcommand(command, {program},
                    {"install", "in", "upgrade", "up", "upgrade-minimal", "up-min", "reinstall", "rei"})
      .has_value();
}
bool CleansUp(std::string_view program, const shell::Command& command) {
  const auto what = Subcommand(command, {program}, {"clean"});
  return (what && !what->empty() && what->front() == "all") ||
         Removes(command, {"/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5"});
}

}  // namespace

void CheckDL3040(const FileView& file, const Reporter& report) {
  EachWithTriggers<ast::Run>(file, [&](const InstructionView& view, const ast::Run& run) {
    if (HasVolatileMount(run, {"/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5"})) {
      return;
    }
    // Each cleans up after itself only.
    for (const std::string_view program : {"dnf", "microdnf"}) {
      const auto uses = [&](const shell::Command& command) { return Uses(program, command); };
      const auto cleans_up = [&](const shell::Command& command) { return CleansUp(program, command); };
      if (LeavesBehind(view.script, uses, cleans_up)) {
        report(view);
        return;
      }
    }
  });
}

}  // namespace loam::lint::hadolint
