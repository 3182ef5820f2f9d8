// What a failed exec op leaves for whoever wants to look at it: the filesystems as the process left them.
#pragma once

#include <memory>
#include <utility>

#include "base/error.h"
#include "runtime-executor/snapshot/fs_ref.h"

namespace loam::ops {

// Attached to the error of a step whose process failed; its cause is solver::ExitErrorDetail.
class FailedExecDetail final : public ErrorDetail {
 public:
  FailedExecDetail(snapshot::FsRef failed_root, std::shared_ptr<const ErrorDetail> exit_detail)
      : root(std::move(failed_root)), cause_(std::move(exit_detail)) {}
  // The root filesystem with everything the process wrote. Leased while the detail lives.
  const snapshot::FsRef root;
  [[nodiscard]] const ErrorDetail* cause() const override { return cause_.get(); }

 private:
  std::shared_ptr<const ErrorDetail> cause_;
};

}  // namespace loam::ops
