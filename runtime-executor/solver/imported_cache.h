// ImportedCache: a cache that was made elsewhere and is read while a build runs (BuildKit's remote caches). Its nodes
// know only the hash that BuildKit exports of an operation and its output, so it is asked by that.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "runtime-executor/solver/cache_storage.h"
#include "runtime-executor/solver/op.h"
#include "runtime-executor/solver/result.h"

namespace loam::solver {

// What BuildKit names a record by: the digest of "<digest>@<output>".
Digest OutputKey(const Digest& digest, std::int32_t output);

// Immutable once it is handed to a solver; thread-safe.
class ImportedCache {
 public:
  using Node = std::uint32_t;
  // Must be below 2^31.
  virtual ~ImportedCache() = default;

  [[nodiscard]] virtual std::optional<Node> FindRoot(const Digest& output_key) const = 0;
  // Nodes reached from `source` by this input and selector whose own key is `output_key`.
  [[nodiscard]] virtual std::vector<Node> FindLinked(Node source, std::uint32_t input, const Digest& selector,
                                                     const Digest& output_key) const = 0;
  [[nodiscard]] virtual bool HasResult(Node node) const = 0;
  // The node's own key, and the links that lead to it: none for a root.
  struct Backlink {
    Node source = 0;
    std::uint32_t input = 0;
    Digest selector;
  };
  [[nodiscard]] virtual Digest OutputKeyOf(Node node) const = 0;
  [[nodiscard]] virtual std::vector<Backlink> Backlinks(Node node) const = 0;
  // When the result of a node was made; nullopt: the cache does not say.
  [[nodiscard]] virtual std::optional<WallTime> Created(Node node) const = 0;
  // kNotFound: the cache does not have it any more. May download; runs on a pool thread. `context`: of the vertex whose
  // result it is; it may be kept.
  [[nodiscard]] virtual Result<ResultPtr> Load(Node node, const std::shared_ptr<OpContext>& context) = 0;
};

// One import of one job, with the place of its nodes among the solver's keys: those of the solver's own storage are
// positive, those of imports negative.
class CacheImport {
 public:
  explicit CacheImport(std::shared_ptr<ImportedCache> cache);

  [[nodiscard]] ImportedCache& cache() const { return *cache_; }
  [[nodiscard]] KeyId KeyOf(ImportedCache::Node node) const;
  // nullopt if the key is not one of this import.
  [[nodiscard]] std::optional<ImportedCache::Node> NodeOf(KeyId key) const;
  // The record of a node, and back.
  [[nodiscard]] RecordId RecordOf(ImportedCache::Node node) const { return RecordId(KeyOf(node).value()); }

 private:
  const std::shared_ptr<ImportedCache> cache_;
  const std::int64_t number_;  // unique in the process, from 1
};

inline bool IsImported(KeyId key) {
  return key.value() < 0;
}
inline bool IsImported(RecordId record) {
  return record.value() < 0;
}

}  // namespace loam::solver
