// Inline caches: the records of a cache kept in an image's config ("moby.buildkit.cache.v0"), whose layers are the
// image's own.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime-executor/cache/remote/cache_chains.h"
#include "runtime-executor/cache/remote/imported_chains.h"
#include "runtime-executor/content/descriptor.h"

namespace loam::cache {

// The JSON of the records for an image with these layers; "" if none of its layers is a cached result.
std::string InlineCacheRecords(const MarshalledCache& cache, std::span<const Digest> image_layers);

// The cache of one image; without one it has no records. `config` is the image's config.
Result<ReadCache> ReadInlineCache(const content::Manifest& manifest, std::string_view config);

}  // namespace loam::cache
