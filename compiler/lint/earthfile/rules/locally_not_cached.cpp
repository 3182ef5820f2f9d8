// LocallyNotCached: LOCALLY.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckLocallyNotCached(const FileView& file, const Reporter& report) {
  EachCommand(file, [&](const ast::Command& command, std::size_t) {
    if (command.kind == ast::CommandKind::kLocally) {
      report(
          command.keyword.range,
          "what follows runs on the machine that builds, with its programs, each time anew, and not in strict builds");
    }
  });
}

}  // namespace loam::lint::earthfile
