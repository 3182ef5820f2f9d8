// Rules about sources: which may be used, and what is used in their place. As BuildKit's source policies.
#pragma once

#include <span>

#include "base/result.h"
#include "proto/solver/pb/ops.pb.h"
#include "proto/sourcepolicy/pb/policy.pb.h"

namespace loam::source {

using SourceRules = moby::buildkit::v1::sourcepolicy::Policy;

// kInvalidArgument for rules that are no rules.
Result<> CheckRules(const SourceRules& rules);

// Changes `source` as the rules say, and as they say of what came out, until nothing changes. True if it was changed.
// Within one policy the last ALLOW or DENY that matches counts. kPermissionDenied if the source may not be used,
// kInvalidArgument for a pattern that is none or for rules without end.
Result<bool> ApplyRules(std::span<const SourceRules> policies, pb::SourceOp& source);

}  // namespace loam::source
