// Runs the `git` program, never asking anything of a terminal.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace loam::sema::earthfile {

struct GitCommand {
  std::vector<std::string> args;  // without "git"
  std::string directory;          // -C; "" for none
  std::string ssh_command;        // GIT_SSH_COMMAND; "" leaves it
};

// Standard output, without the last newline. kUnavailable if there is no git program; kFailedPrecondition with what git
// said if it fails.
Result<std::string> RunGit(const GitCommand& command);

}  // namespace loam::sema::earthfile
