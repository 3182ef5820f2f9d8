// The tree a checksum is computed over: a HostTree or a mounted stack, with the digests of its single files.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "runtime-executor/cache/checksum_index.h"
#include "runtime-executor/snapshot/host_tree.h"
#include "runtime-executor/snapshot/mount.h"

namespace loam::cache {

// Thread-safe.
class ChecksumTree {
 public:
  struct Options {
    std::shared_ptr<ChecksumIndex> index;
    // Layers never change: no file of theirs is racy.
    bool immutable;
    // Own xattrs of overlayfs, for native copies.
    std::string overlay_xattr_prefix;
    // Told of each file whose contents were read; from several threads at a time.
    std::function<void(const snapshot::TreeEntry&)> on_read = {};
  };
  ChecksumTree(snapshot::MountedFs view, Options options) : view_(std::move(view)), options_(std::move(options)) {}

  // The entry at exactly this path (clean, no leading '/'), symlinks not followed; nullopt: there is none.
  Result<std::optional<snapshot::TreeEntry>> Lookup(const std::string& path);
  Result<std::string> ReadLink(const std::string& path);
  // The entries at and below a path, in TreePathLess order, with what keeps them alive.
  struct Listing {
    std::shared_ptr<const std::vector<snapshot::TreeEntry>> owned;
    std::span<const snapshot::TreeEntry> entries;
  };
  Result<Listing> Subtree(const std::string& path);

  // Digests of the headers (and contents, of files) of all entries with `wanted`, hashed on all cores.
  Result<std::vector<Digest>> Digests(std::span<const snapshot::TreeEntry> entries, const std::vector<bool>& wanted,
                                      std::stop_token stop);

 private:
  [[nodiscard]] bool Indexed(const snapshot::TreeEntry& entry) const;
  [[nodiscard]] FileStamp Stamp(const snapshot::TreeEntry& entry) const;
  Result<Digest> HashEntry(const snapshot::TreeEntry& entry, std::vector<char>* buffer);

  snapshot::MountedFs view_;
  const Options options_;
};

}  // namespace loam::cache
