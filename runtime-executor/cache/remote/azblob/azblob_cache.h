// Caches in Azure Blob Storage, with a shared key. Attributes as BuildKit has them: account_url, account_name,
// container, prefix, manifests_prefix, blobs_prefix, name, secret_access_key. Other credentials (Entra ID) are
// kUnimplemented.
#pragma once

#include <memory>

#include "runtime-executor/cache/remote/backend.h"

namespace loam::cache {

Result<std::unique_ptr<CacheSource>> OpenAzblobCacheSource(const Attributes& attributes,
                                                           const BackendServices& services);
Result<std::unique_ptr<CacheTarget>> OpenAzblobCacheTarget(const Attributes& attributes,
                                                           const BackendServices& services);

}  // namespace loam::cache
