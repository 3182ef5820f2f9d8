#include "runtime-executor/engine/state_inventory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/rooted_fs.h"

namespace loam::engine {
namespace {

constexpr std::int64_t kBlockSize = 512;

}  // namespace

Result<std::int64_t> TreeBytes(const std::string& path) {
  std::int64_t bytes = 0;
  std::vector<std::string> pending{path};
  while (!pending.empty()) {
    const std::string current = std::move(pending.back());
    pending.pop_back();
    Result<UniqueFd> dir = OpenFile(current, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!dir && dir.error().Is(ErrorCode::kNotFound)) {
      continue;
    }
    if (!dir) {
      return Unexpected(dir.error());
    }
    for (const DirEntry& entry : LOAM_TRY(ReadDir(dir->get()))) {
      struct stat info {};
      if (::fstatat(dir->get(), entry.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        continue;  // removed meanwhile
      }
      bytes += info.st_blocks * kBlockSize;
      if (S_ISDIR(info.st_mode)) {
        pending.push_back(current + "/" + entry.name);
      }
    }
  }
  return bytes;
}

Result<std::vector<std::string>> CacheMounts(const std::string& root) {
  Result<std::vector<std::string>> names = ListDir(root + "/cache-mounts");
  if (!names && names.error().Is(ErrorCode::kNotFound)) {
    return std::vector<std::string>();
  }
  return names;
}

Result<std::vector<RecordLayers>> ListRecords(EngineState& state) {
  std::vector<RecordLayers> records;
  for (cache::RecordInfo& record : LOAM_TRY(state.records->ListRecords())) {
    std::vector<snapshot::LayerId> layers = LOAM_TRY(snapshot::ParseLayerIds(record.blob));
    records.push_back({std::move(record), std::move(layers)});
  }
  return records;
}

std::map<snapshot::LayerId, const cache::RecordInfo*> MakersOf(const std::vector<RecordLayers>& records) {
  std::map<snapshot::LayerId, const cache::RecordInfo*> makers;
  for (const RecordLayers& record : records) {
    if (!record.layers.empty()) {
      const auto [found, added] = makers.try_emplace(record.layers.back(), &record.record);
      if (!added && record.record.id < found->second->id) {
        found->second = &record.record;
      }
    }
  }
  return makers;
}

Result<ExclusiveRoot> ExclusiveRoot::Take(EngineState& state) {
  if (!LOAM_TRY(state.lock->TryUpgrade())) {
    return Unexpected(
        Error(ErrorCode::kUnavailable, fmt::format("{} is in use by a build of another process", state.options.root))
            .WithHint("run it again when that build has ended"));
  }
  return ExclusiveRoot(&*state.lock);
}

}  // namespace loam::engine
