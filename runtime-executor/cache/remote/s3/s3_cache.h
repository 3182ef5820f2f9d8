// Caches in Amazon S3 and what speaks its protocol. Attributes as BuildKit has them: bucket, region, prefix,
// manifests_prefix, blobs_prefix, name, endpoint_url, use_path_style, access_key_id, secret_access_key, session_token,
// touch_refresh, upload_parallelism; retry_mode and retry_max_attempts are checked. Without keys among them, those of
// the environment (AWS_…) are used, else requests are not signed.
#pragma once

#include <memory>

#include "runtime-executor/cache/remote/backend.h"

namespace loam::cache {

Result<std::unique_ptr<CacheSource>> OpenS3CacheSource(const Attributes& attributes, const BackendServices& services);
Result<std::unique_ptr<CacheTarget>> OpenS3CacheTarget(const Attributes& attributes, const BackendServices& services);

}  // namespace loam::cache
