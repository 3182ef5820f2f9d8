// loam-remote: the same program with the client of remote engines in it.
#pragma once

#include "cli/command.h"

namespace loam::cli {

// Becomes loam-remote with this process's own command line; it lies beside this program or in ../libexec/loam. Returns
// only if it cannot be started.
Exit BecomeRemoteProgram(const Context& context);

}  // namespace loam::cli
