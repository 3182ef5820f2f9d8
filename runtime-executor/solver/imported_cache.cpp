#include "runtime-executor/solver/imported_cache.h"

#include <atomic>

#include <fmt/format.h>

namespace loam::solver {
namespace {

constexpr std::int64_t kNodesOfImport = std::int64_t{1} << 31;

std::int64_t NextNumber() {
  static std::atomic<std::int64_t> next{1};
  return next.fetch_add(1);
}

}  // namespace

Digest OutputKey(const Digest& digest, std::int32_t output) {
  return Digest::Of(fmt::format("{}@{}", digest.ToString(), output));
}

CacheImport::CacheImport(std::shared_ptr<ImportedCache> cache) : cache_(std::move(cache)), number_(NextNumber()) {}

KeyId CacheImport::KeyOf(ImportedCache::Node node) const {
  return KeyId(-(number_ * kNodesOfImport + node));
}

std::optional<ImportedCache::Node> CacheImport::NodeOf(KeyId key) const {
  const std::int64_t place = -key.value();
  if (place <= 0 || place / kNodesOfImport != number_) {
    return std::nullopt;
  }
  return static_cast<ImportedCache::Node>(place % kNodesOfImport);
}

}  // namespace loam::solver
