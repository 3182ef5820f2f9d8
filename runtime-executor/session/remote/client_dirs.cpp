#include "runtime-executor/session/remote/client_dirs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace loam::session {
namespace {

// More builds than this that use one directory at once are refused.
constexpr int kMaxCopies = 64;
constexpr std::string_view kLock = ".lock";

}  // namespace

Result<std::shared_ptr<HeldClientDir>> HoldClientDir(const std::string& cache, const std::string& key,
                                                     const std::string& name) {
  LOAM_TRY(MakeDirs(cache, 0700));
  for (int copy = 0; copy < kMaxCopies; ++copy) {
    std::string path = fmt::format("{}/{}.{}", cache, key, copy);
    std::optional<FileLock> lock = LOAM_TRY(FileLock::TryAcquire(path + ".lock", FileLock::Mode::kExclusive));
    if (lock) {
      if (access((path + ".name").c_str(), F_OK) != 0) {
        LOAM_TRY(WriteFileAtomic(path + ".name", name, 0600));
      }
      return std::make_shared<HeldClientDir>(HeldClientDir{std::move(path), std::move(*lock)});
    }
  }
  return Unexpected(ErrorCode::kResourceExhausted,
                    fmt::format("{} builds use the same directory of a client at once", kMaxCopies));
}

Result<std::vector<ClientDirInfo>> ListClientDirs(const std::string& cache) {
  std::vector<ClientDirInfo> dirs;
  const auto files = ListDir(cache);
  if (!files) {
    return files.error().Is(ErrorCode::kNotFound) ? Result<std::vector<ClientDirInfo>>(std::move(dirs))
                                                  : tl::unexpected(files.error());
  }
  for (const std::string& file : *files) {
    if (!file.ends_with(kLock)) {
      continue;
    }
    ClientDirInfo info;
    info.id = file.substr(0, file.size() - kLock.size());
    const std::string path = cache + "/" + info.id;
    if (access(path.c_str(), F_OK) != 0) {
      continue;  // pruned
    }
    info.name = LOAM_TRY(ReadFileIfExists(path + ".name")).value_or("");
    struct stat manifest {};
    if (stat((path + ".manifest").c_str(), &manifest) == 0 || stat((path + ".lock").c_str(), &manifest) == 0) {
      info.last_used = WallTime(std::chrono::seconds(manifest.st_mtim.tv_sec));
    }
    const auto lock = FileLock::TryAcquire(path + ".lock", FileLock::Mode::kExclusive);
    info.in_use = lock && !lock->has_value();
    dirs.push_back(std::move(info));
  }
  return dirs;
}

Result<bool> RemoveClientDir(const std::string& cache, const std::string& id) {
  const std::string path = cache + "/" + id;
  if (access(path.c_str(), F_OK) != 0) {
    return false;
  }
  // The lock stays: somebody may wait for it.
  const auto lock = LOAM_TRY(FileLock::TryAcquire(path + ".lock", FileLock::Mode::kExclusive));
  if (!lock) {
    return false;
  }
  LOAM_TRY(RemoveTree(path + ".manifest"));
  LOAM_TRY(RemoveTree(path));
  LOAM_TRY(RemoveTree(path + ".name"));
  return true;
}

}  // namespace loam::session
