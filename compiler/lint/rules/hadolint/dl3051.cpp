// DL3051: an empty label of the schema.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3051(const FileView& file, const Reporter& report) {
  for (const LabelType type : {LabelType::kText, LabelType::kUrl, LabelType::kRfc3339, LabelType::kSpdx,
                               LabelType::kGitHash, LabelType::kSemver, LabelType::kEmail}) {
    EachLabelOf(file, type, [&](const InstructionView& view, std::string_view key, std::string_view value) {
      if (value.empty()) {
        report(view, fmt::format("label `{}` is empty", key));
      }
    });
  }
}

}  // namespace loam::lint::hadolint
