// Directories that clients sent, as part of the cache.
#pragma once

#include <memory>
#include <string>

#include "runtime-executor/engine/cache_units.h"

namespace loam::daemon {

// `directory`: where sessions keep them.
std::unique_ptr<engine::CacheArea> MakeClientDirArea(std::string directory);

}  // namespace loam::daemon
