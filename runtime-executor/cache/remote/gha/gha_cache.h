// Caches in GitHub Actions' cache service: version 2 (twirp and signed URLs of Azure) and version 1 (REST). Attributes
// as BuildKit has them: token, url, url_v2, version, scope, timeout; ghtoken and repository only save look-ups there
// and change nothing here.
#pragma once

#include <memory>

#include "runtime-executor/cache/remote/backend.h"

namespace loam::cache {

Result<std::unique_ptr<CacheSource>> OpenGhaCacheSource(const Attributes& attributes, const BackendServices& services);
Result<std::unique_ptr<CacheTarget>> OpenGhaCacheTarget(const Attributes& attributes, const BackendServices& services);

}  // namespace loam::cache
