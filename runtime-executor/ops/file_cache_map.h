// The cache map of a file op, with the digests BuildKit computes (solver/llbsolver/ops/file.go).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/ops/content_key.h"
#include "runtime-executor/solver/cache_map.h"

namespace pb {
class Op;
}

namespace loam::ops {

// The text whose digest is the key of the operation itself. `op` is a file op.
std::string FileKeyText(const pb::Op& op, std::size_t input_count);

// kInvalidArgument if an action names an input that is not there.
Result<solver::CacheMap> FileCacheMap(const pb::Op& op, std::size_t input_count, cache::ChecksumCache* checksums);

// What the content key of each input covers, ready for NewContentKey; an input without an entry has no content key.
struct FileInputSelectors {
  bool used = false;
  std::vector<std::string> paths;  // in the order of the actions
  std::vector<PathSelector> selectors;
};
Result<std::vector<FileInputSelectors>> FileSelectors(const pb::Op& op, std::size_t input_count);

}  // namespace loam::ops
