#include "runtime-executor/solver/memory_cache_storage.h"

namespace loam::solver {

Result<std::optional<KeyId>> MemoryCacheStorage::FindRoot(const RootKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = roots_.find({key.digest, key.output});
  return found == roots_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::vector<KeyId>> MemoryCacheStorage::FindLinked(const KeyLink& link, const Digest& op_digest,
                                                          std::uint32_t output) {
  const std::lock_guard lock(mutex_);
  const auto found = links_.find({link.source, link.input, link.selector, op_digest, output});
  return found == links_.end() ? std::vector<KeyId>() : std::vector<KeyId>(found->second.begin(), found->second.end());
}

Result<std::optional<RootKey>> MemoryCacheStorage::RootOf(KeyId key) {
  const std::lock_guard lock(mutex_);
  for (const auto& [root, id] : roots_) {
    if (id == key) {
      return std::optional(RootKey{root.first, root.second});
    }
  }
  return std::optional<RootKey>();
}

Result<std::vector<Backlink>> MemoryCacheStorage::Backlinks(KeyId key) {
  const std::lock_guard lock(mutex_);
  std::vector<Backlink> result;
  for (const auto& [link, targets] : links_) {
    if (targets.contains(key)) {
      const auto& [source, input, selector, op_digest, output] = link;
      result.push_back({{source, input, selector}, op_digest, output});
    }
  }
  return result;
}

Result<std::vector<CacheRecord>> MemoryCacheStorage::Records(KeyId key) {
  const std::lock_guard lock(mutex_);
  std::vector<CacheRecord> result;
  for (auto it = records_.rbegin(); it != records_.rend(); ++it) {
    if (it->second.key == key) {
      result.push_back({it->first, it->second.blob, it->second.created});
    }
  }
  return result;
}

KeyId MemoryCacheStorage::RootId(const RootKey& key) {
  const auto [it, added] = roots_.try_emplace({key.digest, key.output}, KeyId(next_key_));
  next_key_ += added ? 1 : 0;
  return it->second;
}

Result<KeyId> MemoryCacheStorage::AddRoot(const RootKey& key, const Preimage&) {
  const std::lock_guard lock(mutex_);
  return RootId(key);
}

Result<KeyId> MemoryCacheStorage::Add(const NewRecord& record) {
  const std::lock_guard lock(mutex_);
  const KeyId key = record.key ? *record.key : record.root ? RootId(*record.root) : KeyId(next_key_++);
  for (const KeyLink& link : record.links) {
    links_[{link.source, link.input, link.selector, record.op_digest, record.output}].insert(key);
  }
  if (record.result) {
    records_.emplace(RecordId(next_record_++),
                     Record{key, record.result->blob, record.created.value_or(SystemClock().Now())});
  }
  return key;
}

Result<> MemoryCacheStorage::RemoveRecord(RecordId id) {
  const std::lock_guard lock(mutex_);
  records_.erase(id);
  return {};
}

Result<> MemoryCacheStorage::MarkUsed(std::span<const RecordId>) {
  return {};
}

}  // namespace loam::solver
