// DL3007: the tag `latest`.
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::hadolint {

void CheckDL3007(const FileView& file, const Reporter& report) {
  for (const StageView& stage : file.stages) {
    const ImageName name = ReadImageName(stage.image);
    if (name.tag == "latest" && !name.has_digest) {
      report(stage, report.description());
    }
  }
}

}  // namespace loam::lint::hadolint
