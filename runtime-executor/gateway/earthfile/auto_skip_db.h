// Hashes of successful builds, in a small database (--auto-skip-db-path).
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "compiler/sema/earthfile/auto_skip.h"

namespace loam::gateway::earthfile {

// Made if it does not exist, with its directory. Thread-safe; several processes may use it at once.
Result<std::unique_ptr<sema::earthfile::AutoSkipStore>> OpenAutoSkipStore(const std::string& path);

}  // namespace loam::gateway::earthfile
