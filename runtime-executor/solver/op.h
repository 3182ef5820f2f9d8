// Op: what the solver can ask of a vertex. Implementations live in runtime-executor/ops.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "runtime-executor/solver/cache_map.h"
#include "runtime-executor/solver/progress.h"
#include "runtime-executor/solver/result.h"
#include "runtime-executor/solver/vertex.h"

namespace loam::solver {

// What a job lends to the ops that run for it; opaque here (ops::JobServices is the engine's). Lives as long as anyone
// holds it, also after the job ended.
class JobContext {
 public:
  virtual ~JobContext() = default;
};

// The surroundings of one call of an op. Valid during the call.
class OpContext {
 public:
  virtual ~OpContext() = default;
  // Requested when the last job that needs the vertex is gone. The op then ends soon with kCanceled.
  [[nodiscard]] virtual std::stop_token stop() const = 0;
  [[nodiscard]] virtual ProgressWriter& progress() = 0;
  // One of the jobs that need the vertex at this moment; not null. Ask again rather than keep it over a long wait.
  [[nodiscard]] virtual std::shared_ptr<JobContext> job() const = 0;
  [[nodiscard]] virtual const Vertex& vertex() const = 0;
};

// One vertex at work. The calls of one op never overlap, and Run is called at most once.
class Op {
 public:
  virtual ~Op() = default;
  // Runs on a pool thread and may block (resolving a tag) unless cheap_cache_map().
  [[nodiscard]] virtual Result<CacheMap> ComputeCacheMap(OpContext& context) = 0;
  // True if ComputeCacheMap only computes: no I/O, no waiting. It is then called on the scheduler's thread.
  [[nodiscard]] virtual bool cheap_cache_map() const { return false; }
  // True if Run mostly keeps a core or the disk busy: then no more of them run at once than are useful on this machine.
  [[nodiscard]] virtual bool cpu_bound() const { return false; }
  // Runs on a pool thread and may block. `inputs` are those of the vertex, in order; gives one result an output (null
  // for an empty one).
  [[nodiscard]] virtual Result<std::vector<ResultPtr>> Run(OpContext& context, std::span<const ResultPtr> inputs) = 0;
};

class OpResolver {
 public:
  virtual ~OpResolver() = default;
  // Cheap; thread-safe. The vertex outlives the op.
  [[nodiscard]] virtual Result<std::unique_ptr<Op>> Resolve(const Vertex& vertex) = 0;
};

// Attached by the solver to the error of a failed vertex; what the op attached is its cause (Error::Detail finds both).
class VertexErrorDetail final : public ErrorDetail {
 public:
  VertexErrorDetail(Digest vertex_digest, std::string vertex_name, std::shared_ptr<const ErrorDetail> vertex_cause)
      : digest(vertex_digest), name(std::move(vertex_name)), cause_(std::move(vertex_cause)) {}
  const Digest digest;
  const std::string name;
  [[nodiscard]] const ErrorDetail* cause() const override { return cause_.get(); }

 private:
  std::shared_ptr<const ErrorDetail> cause_;
};

// A process of a step ended with this code (as the shell counts: 128 + n for signal n).
class ExitErrorDetail final : public ErrorDetail {
 public:
  explicit ExitErrorDetail(int code) : exit_code(code) {}
  const int exit_code;
};

}  // namespace loam::solver
