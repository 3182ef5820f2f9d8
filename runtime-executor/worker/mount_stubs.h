// Mount stubs: files and directories that the runtime makes in the root filesystem only to mount something on them.
// They must not become a part of the layer, unless the step used them for something else.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace loam::worker {

class MountStubs {
 public:
  // Notes which of `mount_points` (absolute) are missing below `root_fd` now; with `recursive` their missing parents too.
  MountStubs(int root_fd, const std::vector<std::string>& mount_points, bool recursive);
  // Removes what was missing and is an empty file or directory now; the times of its directory stay as they are.
  void Remove() const;

 private:
  int root_fd_;
  std::vector<std::string> missing_;  // innermost first
};

}  // namespace loam::worker
