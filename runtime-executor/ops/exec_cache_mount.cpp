#include "runtime-executor/ops/exec_cache_mount.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/stoppable_sleep.h"

namespace loam::ops {

namespace {

// How often a lock that another process may hold is tried.
constexpr std::chrono::milliseconds kLockInterval{20};

bool IsDirectory(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Result<FileLock> WaitForLock(const std::string& path, const std::stop_token& stop) {
  while (true) {
    auto lock = LOAM_TRY(FileLock::TryAcquire(path, FileLock::Mode::kExclusive));
    if (lock) {
      return *std::move(lock);
    }
    if (!SleepUnlessStopped(kLockInterval, stop)) {
      return Unexpected(ErrorCode::kCanceled, "canceled while waiting for a locked cache mount");
    }
  }
}

// With the exclusive lock held.
Result<> FillIfMissing(const std::string& dir, const CacheMountRequest& request) {
  const std::string content = dir + "/fs";
  if (IsDirectory(content)) {
    return {};
  }
  const std::string unfinished = dir + "/fs.new";
  LOAM_TRY(RemoveTree(unfinished));
  LOAM_TRY(WriteFileAtomic(dir + "/key", request.key));
  LOAM_TRY(MakeDirs(unfinished));
  const UniqueFd fd = LOAM_TRY(OpenFile(unfinished, O_RDONLY | O_DIRECTORY));
  if (fchmod(fd.get(), 0755) != 0) {
    return UnexpectedErrno("chmod " + unfinished);
  }
  if (request.fill) {
    LOAM_TRY(request.fill(fd.get()));
  }
  if (rename(unfinished.c_str(), content.c_str()) != 0) {
    return UnexpectedErrno("rename " + unfinished);
  }
  return {};
}

}  // namespace

Result<CacheMount> CacheMount::Open(const std::string& dir, const CacheMountRequest& request, std::stop_token stop) {
  const std::string name = dir + "/" + Digest::Of(request.key).Hex();
  auto open = [](FileLock lock, const std::string& path) -> Result<CacheMount> {
    UniqueFd fd = LOAM_TRY(OpenFile(path + "/fs", O_PATH | O_DIRECTORY));
    return CacheMount(std::move(lock), std::move(fd));
  };
  if (request.sharing == CacheSharing::kPrivate) {
    for (int number = 0;; ++number) {
      const std::string path = number == 0 ? name : fmt::format("{}-{}", name, number);
      LOAM_TRY(MakeDirs(path));
      auto lock = LOAM_TRY(FileLock::TryAcquire(path + "/lock", FileLock::Mode::kExclusive));
      if (lock) {
        LOAM_TRY(FillIfMissing(path, request));
        return open(*std::move(lock), path);
      }
    }
  }
  LOAM_TRY(MakeDirs(name));
  if (request.sharing == CacheSharing::kLocked) {
    FileLock lock = LOAM_TRY(WaitForLock(name + "/lock", stop));
    LOAM_TRY(FillIfMissing(name, request));
    return open(std::move(lock), name);
  }
  // Whoever finds it empty fills it, alone. Who waits for that joins as soon as it is full, not when its user is done:
  // the two may wait for each other.
  while (true) {
    const bool filled = IsDirectory(name + "/fs");
    auto lock =
        LOAM_TRY(FileLock::TryAcquire(name + "/lock", filled ? FileLock::Mode::kShared : FileLock::Mode::kExclusive));
    if (lock) {
      if (!filled) {
        LOAM_TRY(FillIfMissing(name, request));
        LOAM_TRY(lock->Downgrade());
      }
      // Pruned between the look and the lock: once more.
      if (IsDirectory(name + "/fs")) {
        return open(*std::move(lock), name);
      }
      continue;
    }
    if (!SleepUnlessStopped(kLockInterval, stop)) {
      return Unexpected(ErrorCode::kCanceled, "canceled while waiting for a shared cache mount");
    }
  }
}

Result<bool> CacheMount::Remove(const std::string& dir, const std::string& name) {
  const std::string path = dir + "/" + name;
  if (!IsDirectory(path + "/fs")) {
    return false;
  }
  const auto lock = LOAM_TRY(FileLock::TryAcquire(path + "/lock", FileLock::Mode::kExclusive));
  if (!lock) {
    return false;
  }
  // Directory and lock stay: somebody may wait for the lock.
  LOAM_TRY(RemoveTree(path + "/fs"));
  LOAM_TRY(RemoveTree(path + "/key"));
  return true;
}

Result<> CacheMount::RemoveAllOf(const std::string& dir, const std::string& id) {
  if (!IsDirectory(dir)) {
    return {};
  }
  for (const std::string& name : LOAM_TRY(ListDir(dir))) {
    const auto key = LOAM_TRY(ReadFileIfExists(fmt::format("{}/{}/key", dir, name)));
    if (key && (*key == id || key->starts_with(id + ":"))) {
      LOAM_TRY(Remove(dir, name));
    }
  }
  return {};
}

Result<bool> CacheMount::InUse(const std::string& dir, const std::string& name) {
  const auto lock = FileLock::TryAcquire(dir + "/" + name + "/lock", FileLock::Mode::kExclusive);
  if (!lock) {
    return lock.error().Is(ErrorCode::kNotFound) ? Result<bool>(false) : tl::unexpected(lock.error());
  }
  return !lock->has_value();
}

}  // namespace loam::ops
