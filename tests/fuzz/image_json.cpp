// Manifests and indexes as registries send them.
#include <string_view>

#include "base/check.h"
#include "runtime-executor/content/compression.h"
#include "runtime-executor/content/descriptor.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace loam;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(content::DetectMediaType(text));
  if (const auto manifest = content::ParseManifest(text)) {
    for (const content::Descriptor& layer : manifest->layers) {
      LOAM_CHECK(!layer.digest.empty(), "a layer without a digest");
      static_cast<void>(content::CompressionOfMediaType(layer.media_type));
    }
  }
  if (const auto index = content::ParseIndex(text)) {
    for (const content::Descriptor& child : index->manifests) {
      LOAM_CHECK(!child.digest.empty(), "a manifest without a digest");
    }
  }
  return 0;
}
