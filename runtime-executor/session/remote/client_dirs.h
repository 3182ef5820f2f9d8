// Directories of clients that are kept between builds: `<cache>/<key>.<copy>` with what was received, `.manifest`,
// `.name` and `.patterns` beside it, and `.lock`, held while a build uses the directory.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace loam::session {

// A directory that no other transfer may touch while this lives.
struct HeldClientDir {
  HeldClientDir(std::string at, FileLock held) : path(std::move(at)), lock(std::move(held)) {}

  const std::string path;
  const FileLock lock;
  // The directory itself (O_PATH), once something was received.
  UniqueFd directory;
  std::mutex mutex;             // guards what follows, and the move
  std::shared_ptr<void> moved;  // not null: the directory is elsewhere, and this keeps it there
};

// Moves the directory away by `move`; false if that was done before. What comes next into `held.path` starts empty.
Result<bool> GiveAwayClientDir(HeldClientDir& held,
                               const std::function<Result<std::shared_ptr<void>>(const std::string&)>& move);

struct ClientDirKey {
  std::string key;       // whose directory it is
  std::string patterns;  // which of its files are wanted (any text that tells selections apart)
  std::string name;      // the client's name for it, kept for people
};

// A free copy: one that last held the same selection, else the one that was not used for the longest time, else a new
// one. Taking one of another selection makes the client send only what that one lacks; selections that are used at the
// same time get copies of their own.
Result<std::shared_ptr<HeldClientDir>> HoldClientDir(const std::string& cache, const ClientDirKey& wanted);

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
