// DL3043: triggers that Docker forbids.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3043(const FileView& file, const Reporter& report) {
  Each<ast::Onbuild>(file, [&](const InstructionView& view, const ast::Onbuild& onbuild) {
    const std::string_view trigger = onbuild.expression.substr(0, onbuild.expression.find_first_of(" \t"));
    if (IsOneOf(ToUpperAscii(trigger), {"ONBUILD", "FROM", "MAINTAINER"})) {
      report(view);
    }
  });
}

}  // namespace loam::lint::hadolint
