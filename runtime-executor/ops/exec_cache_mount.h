// Cache mounts: directories that outlive builds, `<root>/cache-mounts/<digest of the key>[-N]/`:
//   key    what it is for: the id, and the base it started from
//   lock   flock: shared by users of a shared mount, exclusive for locked and private ones
//   fs/    the content
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace loam::ops {

enum class CacheSharing : std::uint8_t {
  // Any number of steps at once in one directory.
  kShared,
  // One step at a time; a second one gets a directory of its own.
  kPrivate,
  // One step at a time; others wait.
  kLocked,
};

struct CacheMountRequest {
  std::string key;
  CacheSharing sharing = CacheSharing::kShared;
  // Fills a new directory (contents, owner and mode). Empty: an empty directory, 0755 root.
  std::function<Result<>(int dir_fd)> fill;
};

// Holds the lock while it lives.
class CacheMount {
 public:
  // Waits (kLocked) until `stop`: kCanceled.
  static Result<CacheMount> Open(const std::string& dir, const CacheMountRequest& request, std::stop_token stop);
  // Removes the content of the mount `name` below `dir`, unless a step uses it: false.
  static Result<bool> Remove(const std::string& dir, const std::string& name);
  static Result<bool> InUse(const std::string& dir, const std::string& name);
  // Empties the cache mounts of `id`, whatever they started from; those in use stay.
  static Result<> RemoveAllOf(const std::string& dir, const std::string& id);
  // The directory, O_PATH.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  CacheMount(FileLock lock, UniqueFd fd) : lock_(std::move(lock)), fd_(std::move(fd)) {}
  FileLock lock_;
  UniqueFd fd_;
};

}  // namespace loam::ops
