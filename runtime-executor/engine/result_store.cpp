#include "runtime-executor/engine/result_store.h"

#include "runtime-executor/ops/fs_result.h"

namespace loam::engine {

Result<std::optional<solver::StoredResult>> LayerResultStore::Save(const solver::SolverResult& result) {
  const snapshot::FsRef& fs = static_cast<const ops::FsResult&>(result).fs();
  if (fs.is_host_tree()) {
    return std::nullopt;
  }
  // Layers are committed when a FsRef of them exists. Sizes are found when somebody asks (`loam du`).
  return solver::StoredResult{LOAM_TRY(fs.ToText()), 0};
}

Result<solver::ResultPtr> LayerResultStore::Load(const std::string& blob) {
  return ops::MakeFsResult(LOAM_TRY(layers_.Load(std::string_view(blob))));
}

}  // namespace loam::engine
