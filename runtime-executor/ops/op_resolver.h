// From a vertex of LLB to its Op. Each kind of operation has one file here, with a factory of this form:
//   Result<std::unique_ptr<solver::Op>> NewExecOp(const solver::Vertex& vertex, const LlbPayload& payload,
//                                                 const OpEnvironment& environment);
// `vertex`, the payload and the environment outlive the op.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "runtime-executor/solver/op.h"
#include "runtime-executor/solver/vertex.h"

namespace pb {
class Op;
class OpMetadata;
}  // namespace pb

namespace loam::content {
class ContentStore;
}
namespace loam::snapshot {
class LayerStore;
}
namespace loam::cache {
class ChecksumCache;
}
namespace loam::cdi {
class Devices;
}
namespace loam::worker {
class Worker;
}
namespace loam::source {
class SourceSet;
}

namespace loam::ops {

// The payload of every vertex made from LLB.
class LlbPayload final : public solver::VertexPayload {
 public:
  explicit LlbPayload(std::shared_ptr<const pb::Op> op, std::shared_ptr<const pb::OpMetadata> metadata = nullptr)
      : op_(std::move(op)), metadata_(std::move(metadata)) {}
  [[nodiscard]] const pb::Op& op() const { return *op_; }
  [[nodiscard]] const std::shared_ptr<const pb::Op>& shared_op() const { return op_; }
  // What stands beside the op and is no part of its identity; may be null.
  [[nodiscard]] const pb::OpMetadata* metadata() const { return metadata_.get(); }

 private:
  std::shared_ptr<const pb::Op> op_;
  std::shared_ptr<const pb::OpMetadata> metadata_;
};

// The parts of the engine that ops work with; engine/ fills it in. All are thread-safe. Parts that cost time to open
// are functions: they open on the first call and give the same object (or error) ever after.
struct OpEnvironment {
  const Clock* clock = nullptr;
  content::ContentStore* content = nullptr;
  snapshot::LayerStore* layers = nullptr;
  cache::ChecksumCache* checksums = nullptr;
  source::SourceSet* sources = nullptr;
  // Null: there are none.
  const cdi::Devices* devices = nullptr;
  std::function<Result<worker::Worker*>()> worker;
  // `<root>/cache-mounts`.
  std::string cache_mounts_dir;
  // `<root>/tmp`.
  std::string tmp_dir;
};

class LlbOpResolver final : public solver::OpResolver {
 public:
  explicit LlbOpResolver(OpEnvironment environment) : environment_(std::move(environment)) {}
  // Errors of the ops carry FailedOpDetail (op_failure.h).
  [[nodiscard]] Result<std::unique_ptr<solver::Op>> Resolve(const solver::Vertex& vertex) override;
  [[nodiscard]] const OpEnvironment& environment() const { return environment_; }

 private:
  Result<std::unique_ptr<solver::Op>> ResolveKind(const solver::Vertex& vertex);

  OpEnvironment environment_;
};

}  // namespace loam::ops
