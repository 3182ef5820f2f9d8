// UntaggedBaseImage: `FROM name`.
#include "compiler/lint/earthfile/rule.h"
#include "compiler/lint/hadolint/rule.h"

namespace loam::lint::earthfile {

void CheckUntaggedBaseImage(const FileView& file, const Reporter& report) {
  for (const ImageUse& image : ImagesOf(file)) {
    const hadolint::ImageName name = hadolint::ReadImageName(image.name);
    if (name.tag.empty() && !name.has_digest) {
      report(image.range, fmt::format("`{0}` is `{0}:latest`: name the release that is meant", image.name));
    }
  }
}

}  // namespace loam::lint::earthfile
