// The terminal that this program runs on, lent to steps: RUN --interactive, and the shell of `-i` in a failed step.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "cli/build_engine.h"
#include "cli/command.h"
#include "cli/progress/display.h"
#include "runtime-executor/ops/terminal_lender.h"

namespace loam::cli {

// Null if standard input or standard error is no terminal. `context` outlives the result; `display` is suspended while
// the terminal is lent.
std::shared_ptr<ops::TerminalLender> MakeTerminalLender(const Context& context,
                                                        std::shared_ptr<ProgressDisplay> display);

// -i: a shell where a step failed, after which the build ends with its failure. Does nothing where no process failed.
void OpenShellInFailedStep(const Context& context, const RunInFailedStep& run, ops::TerminalLender& terminal);

}  // namespace loam::cli
