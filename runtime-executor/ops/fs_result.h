// FsResult: the result of every LLB operation: a filesystem. The only SolverResult there is in the engine.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/result.h"
#include "runtime-executor/snapshot/fs_ref.h"
#include "runtime-executor/solver/result.h"

namespace loam::ops {

class FsResult final : public solver::SolverResult {
 public:
  explicit FsResult(snapshot::FsRef fs) : fs_(std::move(fs)) {}
  [[nodiscard]] const snapshot::FsRef& fs() const { return fs_; }

 private:
  snapshot::FsRef fs_;
};

inline solver::ResultPtr MakeFsResult(snapshot::FsRef fs) {
  return std::make_shared<const FsResult>(std::move(fs));
}

// The filesystem of a result; scratch (the empty FsRef) for null.
snapshot::FsRef FsOf(const solver::ResultPtr& result);

}  // namespace loam::ops
