#include "runtime-executor/session/remote/client_dirs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace loam::session {
namespace {

// More builds than this that use one directory at once are refused.
constexpr int kMaxCopies = 64;
constexpr std::string_view kLock = ".lock";

std::string CopyPath(const std::string& cache, const std::string& key, int copy) {
  return fmt::format("{}/{}.{}", cache, key, copy);
}

std::string PatternsFile(const std::string& path) {
  return path + ".patterns";
}

Result<bool> Selects(const std::string& path, const std::string& patterns) {
  return LOAM_TRY(ReadFileIfExists(PatternsFile(path))) == patterns;
}

// Null if somebody has it.
Result<std::shared_ptr<HeldClientDir>> TryHold(std::string path) {
  std::optional<FileLock> lock = LOAM_TRY(FileLock::TryAcquire(path + ".lock", FileLock::Mode::kExclusive));
  return lock ? std::make_shared<HeldClientDir>(std::move(path), std::move(*lock)) : nullptr;
}

Result<std::shared_ptr<HeldClientDir>> HoldOfSameSelection(const std::string& cache, const ClientDirKey& wanted) {
  for (int copy = 0; copy < kMaxCopies; ++copy) {
    std::string path = CopyPath(cache, wanted.key, copy);
    if (access(path.c_str(), F_OK) != 0 || !LOAM_TRY(Selects(path, wanted.patterns))) {
      continue;
    }
    std::shared_ptr<HeldClientDir> held = LOAM_TRY(TryHold(std::move(path)));
    // Somebody may have had it in between, for another selection.
    if (held != nullptr && LOAM_TRY(Selects(held->path, wanted.patterns))) {
      return held;
    }
  }
  return nullptr;
}

// All that may be there, what was not used for the longest time first; those that are not there last, by number.
std::vector<std::string> CopiesByAge(const std::string& cache, const std::string& key) {
  std::vector<std::pair<std::int64_t, std::string>> copies;
  for (int copy = 0; copy < kMaxCopies; ++copy) {
    std::string path = CopyPath(cache, key, copy);
    struct stat manifest {};
    const bool there = stat((path + ".manifest").c_str(), &manifest) == 0;
    copies.emplace_back(there ? manifest.st_mtim.tv_sec * 1'000'000'000 + manifest.st_mtim.tv_nsec
                              : std::numeric_limits<std::int64_t>::max(),
                        std::move(path));
  }
  std::stable_sort(copies.begin(), copies.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> paths;
  for (auto& [time, path] : copies) {
    paths.push_back(std::move(path));
  }
  return paths;
}

}  // namespace

Result<std::shared_ptr<HeldClientDir>> HoldClientDir(const std::string& cache, const ClientDirKey& wanted) {
  LOAM_TRY(MakeDirs(cache, 0700));
  std::shared_ptr<HeldClientDir> held = LOAM_TRY(HoldOfSameSelection(cache, wanted));
  if (held == nullptr) {
    for (std::string& path : CopiesByAge(cache, wanted.key)) {
      held = LOAM_TRY(TryHold(std::move(path)));
      if (held != nullptr) {
        break;
      }
    }
  }
  if (held == nullptr) {
    return Unexpected(ErrorCode::kResourceExhausted,
                      fmt::format("{} builds use the same directory of a client at once", kMaxCopies));
  }
  if (access((held->path + ".name").c_str(), F_OK) != 0) {
    LOAM_TRY(WriteFileAtomic(held->path + ".name", wanted.name, 0600));
  }
  if (!LOAM_TRY(Selects(held->path, wanted.patterns))) {
    LOAM_TRY(WriteFileAtomic(PatternsFile(held->path), wanted.patterns, 0600));
  }
  return held;
}

Result<bool> GiveAwayClientDir(HeldClientDir& held,
                               const std::function<Result<std::shared_ptr<void>>(const std::string&)>& move) {
  const std::lock_guard lock(held.mutex);
  if (held.moved != nullptr) {
    return false;
  }
  // Without its manifest a directory is emptied first, wherever this stops.
  LOAM_TRY(RemoveTree(held.path + ".manifest"));
  held.moved = LOAM_TRY(move(held.path));
  return true;
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
  LOAM_TRY(RemoveTree(PatternsFile(path)));
  return true;
}

}  // namespace loam::session
