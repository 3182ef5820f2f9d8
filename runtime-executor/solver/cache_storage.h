// CacheStorage: the graph of cache keys, as the solver needs it; cache/records.h keeps it in SQLite.
//
// A key node stands for "this output, made this way". Nodes without inputs are roots, named by a digest: of an
// operation without inputs and its output index, or of some content. Other nodes are reached over links: from a key of
// input i, by (i, op digest, output index, selector) to the node. A node is a match if it is linked so from some key of
// every input. The model is that of BuildKit's cache, so that caches can be exchanged with it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/typed_id.h"
#include "runtime-executor/solver/cache_map.h"
#include "runtime-executor/solver/result.h"

namespace loam::solver {

using KeyId = TypedId<struct KeyIdTag, std::int64_t>;
using RecordId = TypedId<struct RecordIdTag, std::int64_t>;

struct KeyLink {
  KeyId source;
  std::uint32_t input = 0;
  Digest selector;
};

// What identifies a root node.
struct RootKey {
  Digest digest;
  // Output of the operation; -1 for a content key, which is the content's digest itself.
  std::int32_t output = 0;
};

struct CacheRecord {
  RecordId id;
  std::string blob;
  WallTime created;
};

// One link that leads to a node: from `link.source` by this operation's output.
struct Backlink {
  KeyLink link;
  Digest op_digest;
  std::uint32_t output = 0;
};

// A result to remember under a node.
struct NewRecord {
  // The node if one is known (found without a usable record, or found by content); otherwise a node is made.
  std::optional<KeyId> key;
  // For a vertex without inputs.
  std::optional<RootKey> root;
  // Links to the node that shall exist afterwards.
  std::vector<KeyLink> links;
  Digest op_digest;
  std::uint32_t output = 0;
  // Empty blob and no size: only the links are added.
  std::optional<StoredResult> result;
  // When the result was made; nullopt: now.
  std::optional<WallTime> created;
  std::string description;
  const Preimage* preimage = nullptr;
};

// Thread-safe. Errors mean that the storage itself failed (full disk, damage); a miss is an empty answer.
class CacheStorage {
 public:
  virtual ~CacheStorage() = default;

  [[nodiscard]] virtual Result<std::optional<KeyId>> FindRoot(const RootKey& key) = 0;
  // Nodes linked from `source` by this input, selector, operation and output; sorted.
  [[nodiscard]] virtual Result<std::vector<KeyId>> FindLinked(const KeyLink& link, const Digest& op_digest,
                                                              std::uint32_t output) = 0;
  // The other way: what a root stands for (nullopt: no root), and the links that lead to a node.
  [[nodiscard]] virtual Result<std::optional<RootKey>> RootOf(KeyId key) = 0;
  [[nodiscard]] virtual Result<std::vector<Backlink>> Backlinks(KeyId key) = 0;
  // Records of a node, the newest first.
  [[nodiscard]] virtual Result<std::vector<CacheRecord>> Records(KeyId key) = 0;

  // Makes the root if need be; for content keys.
  [[nodiscard]] virtual Result<KeyId> AddRoot(const RootKey& key, const Preimage& preimage) = 0;
  // In one transaction; visible to other processes when it returns. Gives the node.
  [[nodiscard]] virtual Result<KeyId> Add(const NewRecord& record) = 0;
  [[nodiscard]] virtual Result<> RemoveRecord(RecordId id) = 0;
  // Counts one more use of each record, now.
  [[nodiscard]] virtual Result<> MarkUsed(std::span<const RecordId> ids) = 0;

  // Between these calls (nested by none) the calling thread reads one state of the storage, which is faster. Only a
  // hint.
  virtual void BeginReading() {}
  virtual void EndReading() {}
};

}  // namespace loam::solver
