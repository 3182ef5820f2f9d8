#include "runtime-executor/ops/fs_result.h"

namespace loam::ops {

snapshot::FsRef FsOf(const solver::ResultPtr& result) {
  return result == nullptr ? snapshot::FsRef() : static_cast<const FsResult&>(*result).fs();
}

}  // namespace loam::ops
