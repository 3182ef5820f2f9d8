// Native copies: the fallback where overlayfs cannot be mounted. A stack is copied into a plain directory; what changed
// in it afterwards is found by comparing inodes and change times with those noted after the copy.
#pragma once

#include <sys/stat.h>

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace loam::snapshot {

// The mark of a layer in overlayfs format that `name` of lower layers is gone.
Result<> MakeWhiteout(int dir, const std::string& name);

// Lays one layer directory (overlayfs format) over the directory `to_fd`.
Result<> OverlayOnto(int layer_fd, int to_fd, const std::string& overlay_prefix);

// Path -> what it was after the copy, of every file and directory below the root.
struct NativeManifest {
  struct Node {
    dev_t dev;
    ino_t ino;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    timespec ctime;
  };
  std::map<std::string, Node> nodes;
};
Result<NativeManifest> MakeManifest(int root_fd);

// Moves everything that changed since the manifest was made into `layer_fd`, in overlayfs format. The source directory
// is used up. False if nothing changed.
Result<bool> MoveChanges(int root_fd, const NativeManifest& manifest, int layer_fd, const std::string& overlay_prefix);

// What makes `upper` out of `lower`, two complete trees, copied into `layer_fd` in overlayfs format.
Result<> CopyDifference(int lower_fd, int upper_fd, int layer_fd, const std::string& overlay_prefix);

}  // namespace loam::snapshot
