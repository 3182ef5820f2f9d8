// Records: the build cache's keys, links, records, preimages and the history of builds, in one SQLite database
// (`<root>/cache.db`). Several processes may use it at once; what one commits, the next read of another sees.
//
// A record names layers; the layers are committed before it is written, and removed only after it is deleted under the
// root's exclusive lock. So a visible record is whole, whenever a process dies.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/sqlite.h"
#include "runtime-executor/solver/cache_storage.h"

namespace loam::cache {

// A record as `loam du` and pruning see it.
struct RecordInfo {
  solver::RecordId id;
  std::string blob;
  std::int64_t size = 0;
  WallTime created;
  WallTime last_used;
  std::int64_t uses = 0;
  std::string description;
};

// One build of the history; `data` is the engine's (build_record.h), compressed here.
struct BuildRow {
  std::int64_t id = 0;
  std::string title;
  std::string build_key;
  WallTime started;
  WallTime completed;
  std::string error;
  std::string data;
  // Content keys whose preimages must stay readable as long as the build is kept.
  std::vector<Digest> contents;
};

// Thread-safe.
class RecordStore final : public solver::CacheStorage {
 public:
  // Builds of the history beyond this number are forgotten, the oldest first.
  static constexpr int kKeptBuilds = 50;

  static Result<std::unique_ptr<RecordStore>> Open(const std::string& path, const Clock& clock);
  ~RecordStore() override;

  // solver::CacheStorage
  Result<std::optional<solver::KeyId>> FindRoot(const solver::RootKey& key) override;
  Result<std::vector<solver::KeyId>> FindLinked(const solver::KeyLink& link, const Digest& op_digest,
                                                std::uint32_t output) override;
  Result<std::optional<solver::RootKey>> RootOf(solver::KeyId key) override;
  Result<std::vector<solver::Backlink>> Backlinks(solver::KeyId key) override;
  Result<std::vector<solver::CacheRecord>> Records(solver::KeyId key) override;
  Result<solver::KeyId> AddRoot(const solver::RootKey& key, const solver::Preimage& preimage) override;
  Result<solver::KeyId> Add(const solver::NewRecord& record) override;
  Result<> RemoveRecord(solver::RecordId id) override;
  Result<> MarkUsed(std::span<const solver::RecordId> ids) override;
  void BeginReading() override;
  void EndReading() override;

  // The least recently used first.
  Result<std::vector<RecordInfo>> ListRecords();
  // Removes records, then what only led to them: keys and links without a record beyond, preimages nobody names.
  Result<> RemoveRecords(std::span<const solver::RecordId> ids);

  Result<> AddBuild(const BuildRow& build);
  // Newest first, without `contents`. An empty key: of all.
  Result<std::vector<BuildRow>> Builds(std::string_view build_key, std::size_t limit);
  // What a content key was made of; nullopt if that is not known.
  Result<std::optional<solver::Preimage>> ContentPreimage(const Digest& content);

 private:
  struct Reader;
  struct Writer;
  RecordStore(std::string path, const Clock& clock);
  Result<Reader*> Read();
  Result<Writer*> Write();

  const std::string path_;
  const Clock& clock_;
  // Lock order: writer, then reader.
  std::mutex write_mutex_;  // guards writer_
  std::unique_ptr<Writer> writer_;
  std::atomic<std::uint64_t> writes_{0};  // of this process
  std::mutex read_mutex_;                 // guards the rest
  std::unique_ptr<Reader> reader_;
  bool reading_ = false;
};

}  // namespace loam::cache
