// LatestBaseImage: `FROM name:latest`.
#include "compiler/lint/earthfile/rule.h"
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::earthfile {

void CheckLatestBaseImage(const FileView& file, const Reporter& report) {
  for (const ImageUse& image : ImagesOf(file)) {
    const hadolint::ImageName name = hadolint::ReadImageName(image.name);
    if (name.tag == "latest" && !name.has_digest) {
      report(image.range, fmt::format("`{}` is another image tomorrow: name a release, or a digest", image.name));
    }
  }
}

}  // namespace loam::lint::earthfile
