// The one implementation of LayerStore. Its parts are spread over layer_store.cpp (rows, leases, housekeeping),
// layer_mount.cpp (mounting, active filesystems) and layer_compute.cpp (image layers, diff, flattening, materialising).
//
// Locks: mutex_ guards leases_ and views_; LeaseImpl::mutex serialises the unpacking of one layer; compute_mutex_
// serialises computed layers. Order: compute_mutex_ or add_mutex_, LeaseImpl::mutex, mutex_.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime-executor/snapshot/janitor.h"
#include "runtime-executor/snapshot/layer_db.h"
#include "runtime-executor/snapshot/layer_store.h"
#include "runtime-executor/snapshot/layer_tar.h"
#include "runtime-executor/snapshot/native.h"
#include "runtime-executor/snapshot/overlay.h"

namespace loam::snapshot {

class LeaseImpl final : public LayerLease {
 public:
  LeaseImpl(LayerId id, bool is_unpacked) : LayerLease(id), unpacked(is_unpacked) {}

  std::atomic<bool> unpacked;
  // Guards the unpacking and `image`.
  mutable std::mutex mutex;
  mutable std::optional<ImageLayer> image;
  // Directories of the layer that had no entry in its tar; read once, when unpacked.
  mutable std::mutex implied_mutex;
  mutable std::optional<std::set<std::string>> implied;
  mutable std::mutex watch_mutex;  // guards watchers; held while one is called
  mutable std::vector<const LayerProgress*> watchers;
};

class LayerStoreImpl final : public LayerStore {
 public:
  explicit LayerStoreImpl(LayerStoreOptions options) : options_(std::move(options)) {}
  ~LayerStoreImpl() override;
  Result<> Init();

  [[nodiscard]] SnapshotterKind kind() const override { return kind_; }
  [[nodiscard]] const std::string& kind_reason() const override { return kind_reason_; }
  [[nodiscard]] const std::string& overlay_xattr_prefix() const override { return overlay_prefix_; }

  Result<FsRef> Load(std::string_view text) override;
  Result<FsRef> Load(std::span<const LayerId> ids) override;
  Result<LayerRef> Lease(LayerId id) override;

  Result<MountedFs> Mount(const FsRef& ref, std::stop_token stop) override;
  Result<ActiveFs> Begin(const FsRef& parent, std::stop_token stop) override;
  Result<FsRef> Materialize(const FsRef& ref) override;
  Result<> Unpack(const FsRef& ref, std::stop_token stop) override;
  [[nodiscard]] std::shared_ptr<void> Watch(const FsRef& ref, LayerProgress progress) override;
  Result<> Sync() override;

  Result<FsRef> Merge(std::span<const FsRef> refs) override;
  Result<FsRef> Diff(const FsRef& lower, const FsRef& upper, std::stop_token stop) override;

  Result<LayerRef> AddImageLayer(ImageLayer layer) override;
  void SetLazyOpener(LazyOpener opener) override;
  Result<LayerRef> Adopt(const std::string& directory) override;
  Result<LayerRef> ApplyTar(content::ByteSource& tar, Digest* diff_id, std::stop_token stop) override;

  Result<> WriteTar(const LayerRef& layer, content::ByteSink& sink, const TarOptions& options,
                    std::stop_token stop) override;
  Result<> WriteTar(const FsRef& ref, content::ByteSink& sink, const TarOptions& options,
                    std::stop_token stop) override;
  Result<std::vector<content::Descriptor>> Blobs(LayerId id) override { return db_->Blobs(id); }
  Result<> RecordBlob(LayerId id, const Digest& diff_id, const content::Descriptor& blob) override;
  Result<Digest> DiffId(LayerId id) override;

  Result<LayerInfo> Info(LayerId id) override;
  Result<std::vector<LayerInfo>> List() override { return db_->All(); }
  Result<DiskUsage> Usage(LayerId id) override;
  Result<std::vector<LayerInfo>> Collect(std::span<const LayerId> keep, std::stop_token stop) override;
  Result<> Describe(const FsRef& ref, const std::string& description) override;
  std::set<LayerId> Leased() override;
  Result<UniqueFd> OpenLayer(LayerId id) override;

  // --- for the parts ---
  // A new, empty directory `layers/<id>` with an `fs` in it, not yet a layer.
  Result<LayerId> NewDirectory();
  static Result<LayerId> NewId();
  void DropDirectory(LayerId id);
  // Makes the directory a layer.
  Result<LayerRef> Publish(LayerId id);
  // A layer of what `fill` puts into the directory that `fs` is; none if it fails.
  Result<LayerRef> MakeLayer(const std::function<Result<>(int fs)>& fill);
  static std::string DirName(LayerId id);
  static std::string FsName(LayerId id) { return DirName(id) + "/fs"; }
  // The work directory of an active overlay; apart from the layer, so that committing moves and removes nothing.
  static std::string WorkName(LayerId id) { return ".work/" + DirName(id); }
  [[nodiscard]] int layers_fd() const { return layers_fd_.get(); }
  Janitor& janitor() { return janitor_; }
  // The directories to mount for a stack, bottom to top: the layers themselves, with flattened and rebased layers in
  // the place of those that need it. `hold` keeps what is used beyond the stack.
  Result<std::vector<LayerId>> EffectiveLayers(std::span<const LayerRef> layers, std::vector<LayerRef>* hold,
                                               std::stop_token stop);
  Result<UniqueFd> MountStack(std::span<const LayerRef> layers, const std::string& upper, const std::string& work,
                              std::shared_ptr<void>* keep, std::stop_token stop);

 private:
  enum class TreeUse : std::uint8_t { kCopy, kTake };
  Result<FsRef> MaterializeTree(const FsRef& ref, TreeUse use);
  Result<LayerRef> CopyTreeToLayer(const HostTree& tree);
  Result<> ChooseKind();
  Result<UniqueFd> Probe(bool legacy);
  Result<> RemoveLeftovers();
  // What was made before the machine was started anew and was not known to be on disk.
  Result<> ForgetLost();
  Result<> UnpackLayer(const LayerRef& layer, std::stop_token stop);
  Result<> UnpackInto(LayerId id, const Digest& diff_id, content::ByteSource& tar, std::stop_token stop);
  Result<std::set<std::string>> Implied(const LayerRef& layer);
  Result<LayerRef> Explicit(std::span<const LayerRef> below, const LayerRef& layer, std::stop_token stop);
  Result<FsRef> ExplicitLayers(std::span<const LayerRef> layers, std::size_t first, std::stop_token stop);
  Result<LayerRef> Rebase(std::span<const LayerRef> below, const LayerRef& layer, std::stop_token stop);
  Result<LayerRef> Flatten(std::span<const LayerRef> layers, std::stop_token stop);
  // The computed layer of that key, or what `make` returns, remembered.
  Result<LayerRef> Computed(const std::string& key, const std::function<Result<LayerRef>()>& make);
  Result<MountedFs> MountNative(const FsRef& ref, std::stop_token stop);
  Result<> WriteDirectoryTar(int fd, const FsRef& ref, const TarOptions& options, content::ByteSink& sink,
                             std::stop_token stop);

  const LayerStoreOptions options_;
  SnapshotterKind kind_ = SnapshotterKind::kOverlay;
  std::string kind_reason_;
  std::string overlay_prefix_;
  bool userxattr_ = false;
  bool legacy_ = false;
  UniqueFd layers_fd_;
  std::unique_ptr<LayerDb> db_;

  std::mutex add_mutex_;  // serialises AddImageLayer
  std::recursive_mutex compute_mutex_;
  std::mutex mutex_;
  std::unordered_map<LayerId, std::weak_ptr<LeaseImpl>> leases_;
  LazyOpener lazy_opener_;
  std::vector<std::pair<std::weak_ptr<const HostTree>, FsRef>> materialized_;
  // Native read-only views in use, by stack.
  std::map<std::vector<LayerId>, std::weak_ptr<void>> views_;
  // Last: its thread uses what is above.
  Janitor janitor_;
};

class ActiveFs::Impl {
 public:
  LayerStoreImpl* store = nullptr;
  LayerId id;
  FsRef parent;
  UniqueFd fd;
  std::shared_ptr<void> keep;
  // Native copies only.
  std::optional<NativeManifest> manifest;
  // Of the root when it was made.
  struct stat root {};
  bool done = false;

  ~Impl();
};

}  // namespace loam::snapshot
