// Caches in OCI layouts of the client: src and digest to read, dest to write. The client itself keeps the layout's
// index: it finds the digest of a tag before, and names what was written after.
#pragma once

#include <memory>

#include "runtime-executor/cache/remote/backend.h"

namespace loam::cache {

Result<std::unique_ptr<CacheSource>> OpenLocalCacheSource(const Attributes& attributes,
                                                          const BackendServices& services);
Result<std::unique_ptr<CacheTarget>> OpenLocalCacheTarget(const Attributes& attributes,
                                                          const BackendServices& services);

}  // namespace loam::cache
