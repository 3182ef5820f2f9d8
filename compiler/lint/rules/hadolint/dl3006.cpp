// DL3006: an image without a tag.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3006(const FileView& file, const Reporter& report) {
  for (const StageView& stage : file.stages) {
    const ImageName name = ReadImageName(stage.image);
    if (stage.base == nullptr && stage.image != "scratch" && !stage.image.empty() && !HasVariable(stage.image) &&
        name.tag.empty() && !name.has_digest) {
      report(stage, report.description());
    }
  }
}

}  // namespace loam::lint::hadolint
