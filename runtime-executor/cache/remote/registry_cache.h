// Caches in registries: ref, image-manifest, oci-mediatypes, registry.insecure; reading also finds inline caches of
// images.
#pragma once

#include <memory>

#include "runtime-executor/cache/remote/backend.h"

namespace loam::cache {

Result<std::unique_ptr<CacheSource>> OpenRegistryCacheSource(const Attributes& attributes,
                                                             const BackendServices& services);
Result<std::unique_ptr<CacheTarget>> OpenRegistryCacheTarget(const Attributes& attributes,
                                                             const BackendServices& services);

}  // namespace loam::cache
