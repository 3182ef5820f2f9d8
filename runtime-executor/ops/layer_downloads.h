// Shows on a step the downloads that it waits for: layers of images are fetched when they are first needed.
#pragma once

#include <memory>

#include "runtime-executor/snapshot/layer_store.h"

namespace loam::solver {
class OpContext;
}

namespace loam::ops {

// One status line for each blob, named by its digest, for as long as the result lives (null: nothing of `fs` is lazy).
// `context` must outlive it.
[[nodiscard]] std::shared_ptr<void> ShowLayerDownloads(snapshot::LayerStore& layers, const snapshot::FsRef& fs,
                                                       solver::OpContext& context);

}  // namespace loam::ops
