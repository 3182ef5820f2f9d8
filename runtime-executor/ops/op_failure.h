// What a failed operation leaves for whoever asked for it: which operation it was, its filesystems, and the lines of
// the file that it comes from. All are attached to the operation's error.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/snapshot/fs_ref.h"

namespace loam::ops {

class FailedOpDetail final : public ErrorDetail {
 public:
  FailedOpDetail(std::shared_ptr<const pb::Op> failed_op, std::map<std::string, std::string> op_description,
                 std::shared_ptr<const ErrorDetail> op_cause)
      : op(std::move(failed_op)), description(std::move(op_description)), cause_(std::move(op_cause)) {}
  const std::shared_ptr<const pb::Op> op;
  const std::map<std::string, std::string> description;
  [[nodiscard]] const ErrorDetail* cause() const override { return cause_.get(); }

 private:
  const std::shared_ptr<const ErrorDetail> cause_;
};

// Leased while the detail lives.
struct FailedFilesystems {
  // nullopt: there is none.
  using List = std::vector<std::optional<snapshot::FsRef>>;
  // An exec op: what each mount began with. A file op: its inputs. A failed content key: the one input.
  List inputs;
  // An exec op: each mount as the process left it. A file op: what each action made, the failed one as far as it came.
  List outputs;
  // The action of a file op that failed.
  std::optional<std::int64_t> file_action;
  // The input whose content could not be hashed.
  std::optional<std::int64_t> content_input;
};

class FailedFilesystemsDetail final : public ErrorDetail {
 public:
  FailedFilesystemsDetail(FailedFilesystems failed, std::shared_ptr<const ErrorDetail> op_cause)
      : filesystems(std::move(failed)), cause_(std::move(op_cause)) {}
  const FailedFilesystems filesystems;
  [[nodiscard]] const ErrorDetail* cause() const override { return cause_.get(); }

 private:
  const std::shared_ptr<const ErrorDetail> cause_;
};

class SourceLocationDetail final : public ErrorDetail {
 public:
  SourceLocationDetail(pb::SourceInfo source_info, std::vector<pb::Range> source_ranges,
                       std::shared_ptr<const ErrorDetail> op_cause)
      : info(std::move(source_info)), ranges(std::move(source_ranges)), cause_(std::move(op_cause)) {}
  const pb::SourceInfo info;
  const std::vector<pb::Range> ranges;
  [[nodiscard]] const ErrorDetail* cause() const override { return cause_.get(); }

 private:
  const std::shared_ptr<const ErrorDetail> cause_;
};

// The error with one more detail around those that it has.
template <class Detail, class... Parts>
Error WithOuterDetail(Error error, Parts&&... parts) {
  std::shared_ptr<const ErrorDetail> cause = error.detail();
  return std::move(error).WithDetail(std::make_shared<const Detail>(std::forward<Parts>(parts)..., std::move(cause)));
}

}  // namespace loam::ops
