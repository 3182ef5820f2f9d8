// Which units a list of rules removes: the decision alone, no hands.
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "runtime-executor/engine/cache_units.h"

namespace loam::engine {

// Ids to remove, in order: what stands on others goes before them. Units in use, and what these stand on, stay.
std::vector<std::string> PlanPrune(std::span<const CacheUnit> units, std::span<const PruneRule> rules, WallTime now,
                                   std::int64_t disk_free);

}  // namespace loam::engine
