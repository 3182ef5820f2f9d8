// CacheStorage in memory: for solvers without a state root, and for tests.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "runtime-executor/solver/cache_storage.h"

namespace loam::solver {

class MemoryCacheStorage final : public CacheStorage {
 public:
  Result<std::optional<KeyId>> FindRoot(const RootKey& key) override;
  Result<std::vector<KeyId>> FindLinked(const KeyLink& link, const Digest& op_digest, std::uint32_t output) override;
  Result<std::optional<RootKey>> RootOf(KeyId key) override;
  Result<std::vector<Backlink>> Backlinks(KeyId key) override;
  Result<std::vector<CacheRecord>> Records(KeyId key) override;
  Result<KeyId> AddRoot(const RootKey& key, const Preimage& preimage) override;
  Result<KeyId> Add(const NewRecord& record) override;
  Result<> RemoveRecord(RecordId id) override;
  Result<> MarkUsed(std::span<const RecordId> ids) override;

 private:
  using Link = std::tuple<KeyId, std::uint32_t, Digest, Digest, std::uint32_t>;  // source, input, selector, op, output
  struct Record {
    KeyId key;
    std::string blob;
    WallTime created;
  };

  KeyId RootId(const RootKey& key);

  std::mutex mutex_;  // guards everything below
  std::map<std::pair<Digest, std::int32_t>, KeyId> roots_;
  std::map<Link, std::set<KeyId>> links_;
  std::map<RecordId, Record> records_;
  std::int64_t next_key_ = 1;
  std::int64_t next_record_ = 1;
};

}  // namespace loam::solver
