// A cache as manifest or index, as registries and OCI layouts keep it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime-executor/cache/remote/backend.h"
#include "runtime-executor/cache/remote/cache_chains.h"
#include "runtime-executor/cache/remote/imported_chains.h"

namespace loam::cache {

struct ManifestSettings {
  bool oci_media_types = true;
  // An image manifest instead of an index; needs OCI media types.
  bool image_manifest = true;
};
// image-manifest, oci-mediatypes.
Result<ManifestSettings> ReadManifestSettings(const Attributes& attributes);

struct CacheManifest {
  content::Descriptor root;
  std::string root_text;
  content::Descriptor config;
  std::string config_text;
  std::vector<content::Descriptor> layers;  // each blob once
};
CacheManifest MakeCacheManifest(const MarshalledCache& cache, const ManifestSettings& settings);

// The descriptor of a written manifest as the client is told it.
std::string DescriptorText(const content::Descriptor& descriptor);

// `fetch` gives the text of a manifest or config. A manifest that is no cache is an image (or an index of images) with
// inline caches; one without any gives no configs.
using FetchText = std::function<Result<std::string>(const content::Descriptor& descriptor)>;
Result<std::vector<ReadCache>> ReadCacheManifest(std::string_view root_text, const FetchText& fetch);

}  // namespace loam::cache
