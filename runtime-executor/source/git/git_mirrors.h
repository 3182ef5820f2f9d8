// The mirrors of a state root, for `loam du` and `loam prune`.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace loam::source {

struct GitMirrorInfo {
  std::string path;
  std::string remote;  // without credentials
  WallTime last_used;
};

// None if the directory does not exist.
Result<std::vector<GitMirrorInfo>> ListGitMirrors(const std::string& mirrors_dir);
// The caller makes sure that nobody uses it (the root's lock, exclusively).
Result<> RemoveGitMirror(const GitMirrorInfo& mirror);

}  // namespace loam::source
