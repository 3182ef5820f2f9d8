// EffectsHost of a plan (`loam explain`): what would be done to the world is only solved, on a job that plans.
#pragma once

#include <memory>
#include <stop_token>

#include "compiler/sema/earthfile/effects_host.h"
#include "runtime-executor/gateway/earthfile/effects.h"

namespace loam::gateway::earthfile {

// Of `parts`, everything but `outputs` and `terminal` is used.
std::unique_ptr<sema::earthfile::EffectsHost> MakePlanEffects(EffectsParts parts, std::stop_token stop);

}  // namespace loam::gateway::earthfile
