// The files of a commit in a mirror, written to a directory.
#pragma once

#include <stop_token>
#include <string>

#include "base/result.h"
#include "runtime-executor/source/git/git_cli.h"
#include "runtime-executor/source/git/git_mirror.h"
#include "runtime-executor/source/git/git_tree.h"

namespace loam::source {

struct GitCheckout {
  const GitTreeRequest* request = nullptr;
  const GitTarget* target = nullptr;
  // For submodules; talks to their remotes.
  const GitCli* git = nullptr;
  // An open mirror that has the target.
  std::string mirror;
  // An empty directory to work in; on success `tree` below it (or a directory in it) is the result.
  std::string scratch;
  solver::ProgressWriter* progress = nullptr;
};

// The directory below `scratch` that holds the files. Directories and files have the modes that git gives them under
// the mask 022. kNotFound if there is no such subdirectory, kInvalidArgument if it leads through something else.
Result<std::string> WriteCheckout(const GitCheckout& checkout, std::stop_token stop);

// Sets the time of everything below the directory, and its own.
Result<> SetTimes(int dir_fd, std::int64_t seconds);

}  // namespace loam::source
