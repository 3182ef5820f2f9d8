// ImageStore::Import: apart from the rest, which needs no archives and no decompression.
#include "runtime-executor/source/image/import.h"
#include "runtime-executor/source/image_store.h"
#include "runtime-executor/source/image_walk.h"

namespace loam::source {

Result<std::vector<StoredImage>> ImageStore::Import(const ImportOptions& options, std::stop_token stop) {
  const auto found = LOAM_TRY(ImportImages(options, content_, clock_, std::move(stop)));
  // All or nothing.
  for (const ImportedImage& image : found) {
    LOAM_TRY_CONTEXT(options.path, WalkImage(content_, image.target, [](const content::Descriptor&) {}));
  }
  std::vector<StoredImage> images;
  for (const ImportedImage& image : found) {
    for (const std::string& name : image.names) {
      LOAM_TRY(Put(name, image.target));
      if (auto stored = LOAM_TRY(Find(name))) {
        images.push_back(*std::move(stored));
      }
    }
  }
  return images;
}

}  // namespace loam::source
