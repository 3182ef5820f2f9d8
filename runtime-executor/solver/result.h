// SolverResult: what an op's output is, opaque to the solver. ops::FsResult is the one of LLB.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace loam::solver {

// Immutable, shared by every vertex and job that uses it; keeps alive what it stands for (layers) as long as it lives.
class SolverResult {
 public:
  virtual ~SolverResult() = default;
};
using ResultPtr = std::shared_ptr<const SolverResult>;

// A result as it is written in a cache record.
struct StoredResult {
  // Only the ResultStore that made it can read it.
  std::string blob;
  // Bytes on disk that this result alone adds (its topmost layer), for `loam du`.
  std::int64_t size = 0;
};

// Turns results into records and back. Thread-safe.
class ResultStore {
 public:
  virtual ~ResultStore() = default;
  // The result is durable when this returns (its layers are committed). nullopt: this result cannot outlive the process
  // (a host directory read in place), so nothing is recorded.
  [[nodiscard]] virtual Result<std::optional<StoredResult>> Save(const SolverResult& result) = 0;
  // kNotFound: what the blob names is gone; the solver then drops the record and goes on as if it had not existed.
  // Must be cheap: no network, no unpacking; lazy results stay lazy.
  [[nodiscard]] virtual Result<ResultPtr> Load(const std::string& blob) = 0;
};

}  // namespace loam::solver
