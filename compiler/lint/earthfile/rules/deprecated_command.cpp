// DeprecatedCommand: COMMAND where FUNCTION is known.
#include "compiler/lint/earthfile/rule.h"

namespace loam::lint::earthfile {

void CheckDeprecatedCommand(const FileView& file, const Reporter& report) {
  if (!file.Has(sema::Feature::kUseFunctionKeyword)) {
    return;
  }
  EachCommand(file, [&](const ast::Command& command, std::size_t) {
    if (command.kind == ast::CommandKind::kCommand) {
      report(command.keyword.range, "write `FUNCTION`",
             UnsafeFix("write `FUNCTION`", command.keyword.range, "FUNCTION"));
    }
  });
}

}  // namespace loam::lint::earthfile
