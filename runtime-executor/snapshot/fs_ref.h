// FsRef: a filesystem as a cheap immutable value. It is either nothing (scratch), a stack of layers, or a HostTree.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/typed_id.h"
#include "runtime-executor/snapshot/host_tree.h"

namespace loam::snapshot {

using LayerId = TypedId<struct LayerIdTag, std::int64_t>;

// A lease on one layer of a LayerStore: while a copy of the pointer lives, the layer is not collected. A layer is a
// diff in overlayfs format, immutable, and independent of what it is stacked on. Must not outlive the store.
class LayerLease;
using LayerRef = std::shared_ptr<const LayerLease>;

class LayerLease {
 public:
  virtual ~LayerLease() = default;
  [[nodiscard]] LayerId id() const { return id_; }

 protected:
  explicit LayerLease(LayerId id) : id_(id) {}

 private:
  const LayerId id_;
};

class FsRef {
 public:
  // Scratch: the empty filesystem.
  FsRef() = default;
  // Bottom to top.
  explicit FsRef(std::vector<LayerRef> layers);
  explicit FsRef(std::shared_ptr<const HostTree> host_tree);

  [[nodiscard]] bool is_scratch() const { return layers().empty() && host_tree_ == nullptr; }
  [[nodiscard]] bool is_host_tree() const { return host_tree_ != nullptr; }
  // Null unless is_host_tree().
  [[nodiscard]] const std::shared_ptr<const HostTree>& host_tree() const { return host_tree_; }
  // Bottom to top; empty for scratch and for a HostTree.
  [[nodiscard]] std::span<const LayerRef> layers() const;
  [[nodiscard]] std::vector<LayerId> layer_ids() const;

  // This filesystem with the layers of `above` stacked on it (LLB merge). Both must be scratch or stacks.
  [[nodiscard]] FsRef Stack(const FsRef& above) const;
  // The layers above `lower` if `lower`'s layers are the lowest of this one, else false.
  bool SuffixAbove(const FsRef& lower, FsRef* suffix) const;

  // "layers:3,17,18" or "scratch"; LayerStore::Load reads it. kInvalidArgument for a HostTree, which is not kept.
  [[nodiscard]] Result<std::string> ToText() const;

  // Same layers in the same order, or the same HostTree object.
  friend bool operator==(const FsRef& a, const FsRef& b);

 private:
  std::shared_ptr<const std::vector<LayerRef>> layers_;
  std::shared_ptr<const HostTree> host_tree_;
};

// Ids of a text written by FsRef::ToText, without touching a store (garbage collection marks with it).
Result<std::vector<LayerId>> ParseLayerIds(std::string_view text);

}  // namespace loam::snapshot
