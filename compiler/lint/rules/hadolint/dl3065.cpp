// DL3065: FROM --platform=$TARGETPLATFORM.
#include "compiler/lint/platform_fix.h"

#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3065(const FileView& file, const Reporter& report) {
  for (const InstructionView& view : file.instructions) {
    const auto* from = view.As<ast::From>();
    if (from != nullptr && IsOneOf(from->platform.text, {"$TARGETPLATFORM", "${TARGETPLATFORM}"})) {
      report(view, report.description(), RemovePlatformFixes(*from));
    }
  }
}

}  // namespace loam::lint::hadolint
