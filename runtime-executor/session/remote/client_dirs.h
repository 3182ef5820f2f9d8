// Directories of clients that are kept between builds: `<cache>/<key>.<copy>` with what was received, `.manifest` and
// `.name` beside it, and `.lock`, held while a build uses the directory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"

namespace loam::session {

// A directory that no other transfer may touch while this lives.
struct HeldClientDir {
  std::string path;
  FileLock lock;
};

// The first copy that is free. `name` is the client's name for it, kept for people.
Result<std::shared_ptr<HeldClientDir>> HoldClientDir(const std::string& cache, const std::string& key,
                                                     const std::string& name);

struct ClientDirInfo {
  std::string id;    // "<key>.<copy>"
  std::string name;  // "context"
  WallTime last_used;
  bool in_use = false;
};

Result<std::vector<ClientDirInfo>> ListClientDirs(const std::string& cache);
// Its content; false if it is in use or not there.
Result<bool> RemoveClientDir(const std::string& cache, const std::string& id);

}  // namespace loam::session
