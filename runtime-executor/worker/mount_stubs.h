// Mount stubs: files and directories in the root filesystem that exist only for something to be mounted on them. They
// are made before the step and must not become a part of the layer, unless the step used them for something else.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace loam::worker {

struct MountPoint {
  std::string path;  // absolute
  bool directory = true;
  // False: stays in the layer (/proc, /dev and /sys of an image that lacks them, as upstream does).
  bool temporary = true;
};

class MountStubs {
 public:
  // Makes the points that are missing below `root_fd`, with their parents; directories that exist keep their times, so
  // that a step which does not touch them leaves them as they were. Points below other points are left to the runtime.
  // What cannot be made (a read-only root) is left to the runtime too, which tells a better error.
  MountStubs(int root_fd, std::vector<MountPoint> points, bool recursive);
  // Removes what was made and is an empty file or directory still; with `recursive` the parents too. The times of the
  // directories around stay as they are.
  void Remove() const;

 private:
  void Make(const MountPoint& point, bool recursive);

  int root_fd_;
  std::vector<std::string> made_;  // in the order of removal
};

}  // namespace loam::worker
