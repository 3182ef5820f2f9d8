// ResultStore over a LayerStore: a result is the list of its layers.
#pragma once

#include "runtime-executor/snapshot/layer_store.h"
#include "runtime-executor/solver/result.h"

namespace loam::engine {

class LayerResultStore final : public solver::ResultStore {
 public:
  explicit LayerResultStore(snapshot::LayerStore& layers) : layers_(layers) {}
  Result<std::optional<solver::StoredResult>> Save(const solver::SolverResult& result) override;
  Result<solver::ResultPtr> Load(const std::string& blob) override;

 private:
  snapshot::LayerStore& layers_;
};

}  // namespace loam::engine
