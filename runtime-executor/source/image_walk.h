// The blobs of an image in the content store.
#pragma once

#include <functional>

#include "base/result.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/content/descriptor.h"

namespace loam::source {

// Visits the root, then everything it names that is there, each digest once. Manifests of an index may be absent (other
// platforms were not brought along), but at least one must be there; what a manifest that is there names must be there
// too (kNotFound names the blob).
Result<> WalkImage(const content::ContentStore& store, const content::Descriptor& root,
                   const std::function<void(const content::Descriptor&)>& visit);

}  // namespace loam::source
