// The cache map of an exec op, with the digests BuildKit computes (solver/llbsolver/ops/exec.go).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/solver/cache_map.h"

namespace pb {
class Op;
}
namespace loam::cache {
class ChecksumCache;
}

namespace loam::ops {

// The text whose digest is the key of the operation itself. `op` is an exec op.
std::string ExecKeyText(const pb::Op& op);

// kInvalidArgument if a mount names an input that is not there or wants content caching where it is not safe.
// `checksums` is only kept for the content keys.
Result<solver::CacheMap> ExecCacheMap(const pb::Op& op, std::size_t input_count, cache::ChecksumCache* checksums);

}  // namespace loam::ops
