// The cache as BuildKit's records of disk usage, and filters on them.
#pragma once

#include "proto/api/services/control/control.pb.h"
#include "runtime-executor/daemon/filter.h"
#include "runtime-executor/daemon/gc_policy.h"
#include "runtime-executor/engine/cache_units.h"

namespace loam::daemon {

moby::buildkit::v1::UsageRecord ToUsageRecord(const engine::CacheUnit& unit);

// Fields: id, parents, description, inuse, mutable, immutable, type, shared, private.
bool Matches(const Filter& filter, const engine::CacheUnit& unit);

// kInvalidArgument for a malformed filter.
Result<engine::PruneRule> ToPruneRule(const GcRule& rule);

}  // namespace loam::daemon
