// `loam build --call=METHOD`: questions about a Dockerfile, answered without building it.
#pragma once

#include "cli/build_engine.h"
#include "cli/command.h"
#include "cli/commands/build_check.h"
#include "cli/commands/build_context.h"

namespace loam::cli {

enum class CallMethod : std::uint8_t { kBuild, kCheck, kTargets, kOutline, kDescribe };

struct Call {
  CallMethod method = CallMethod::kBuild;
  bool json = false;
  CheckSettings check;  // of kCheck
};

// From --call and --check, and the flags that belong to --check.
Result<Call> ParseCall(const Flags& flags);

// Prints the answer. A check that finds something fails.
Exit RunCall(const Context& context, const Flags& flags, const Call& call, const BuildContext& files,
             const BuildRequest& request);

}  // namespace loam::cli
