// A process in the surroundings of a failed step: its filesystems as the step left them, its environment, secrets and
// mounts. For a shell to look around with; nothing of what it does is kept, except in cache mounts.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/ops/op_resolver.h"
#include "runtime-executor/ops/terminal_lender.h"

namespace loam::ops {

class JobServices;

// Blocks until the process has ended; its exit code. `args` are run instead of the step's command. kNotFound if
// `failure` is not that of a process.
Result<int> RunInFailedStep(const Error& failure, const std::string& title, std::vector<std::string> args,
                            const OpEnvironment& environment, std::shared_ptr<JobServices> services,
                            TerminalLender& terminal, std::stop_token stop);

}  // namespace loam::ops
