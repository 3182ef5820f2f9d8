// DL3054: a label that should be a license.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3054(const FileView& file, const Reporter& report) {
  EachLabelOf(file, LabelType::kSpdx, [&](const InstructionView& view, std::string_view key, std::string_view value) {
    if (!IsSpdxLicense(value)) {
      report(view, fmt::format("label `{}` is no SPDX license expression", key));
    }
  });
}

}  // namespace loam::lint::hadolint
