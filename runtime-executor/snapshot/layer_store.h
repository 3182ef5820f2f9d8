// LayerStore: the layers of one state root, and everything done with them. Thread-safe. Several processes may use one
// root; `layers/<id>/fs` is a complete layer exactly when layers.db has its row (written last, in one transaction), all
// other directories are leftovers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "runtime-executor/content/byte_stream.h"
#include "runtime-executor/content/descriptor.h"
#include "runtime-executor/snapshot/fs_ref.h"
#include "runtime-executor/snapshot/mount.h"

namespace loam::snapshot {

enum class SnapshotterKind : std::uint8_t { kOverlay, kNative };

struct LayerStoreOptions {
  // The state root; `layers/` and `layers.db` are made in it.
  std::string root;
  // nullopt: overlayfs if the kernel lets us, else native copies.
  std::optional<SnapshotterKind> snapshotter;
  // Overlayfs by the colon-separated lowerdir string, as kernels before 6.7 need it, even if the kernel knows better.
  bool legacy_overlay_options = false;
  // The caller holds the root's lock exclusively: directories without a row are removed.
  bool remove_leftovers = false;
  // Names the run of the kernel, so that layers from before a power cut are told from others; empty: asked of the
  // kernel.
  std::string boot_id;
};

// Bytes of a lazy layer's blob on their way here; `total` is its size. Called from several threads.
using LayerProgress = std::function<void(const content::Descriptor& blob, std::uint64_t current, std::uint64_t total)>;

// A layer of an image, perhaps not downloaded yet.
struct ImageLayer {
  // Digest of the uncompressed tar; verified when the layer is unpacked. The layer's identity: it is unpacked once.
  Digest diff_id;
  content::Descriptor blob;
  // Opens the *uncompressed* tar of the layer; called when the layer is first needed, on the thread that needs it,
  // never twice at once. It downloads and verifies the blob as it sees fit. Kept while the lease lives. May be empty if
  // the layer is known to be unpacked.
  std::function<Result<std::unique_ptr<content::ByteSource>>(const LayerProgress& progress, std::stop_token)> open;
  // Where it came from ("docker.io/library/alpine@sha256:..."), kept with the layer; given to LazyOpener after a
  // restart.
  std::string origin;
  // When it was made; nullopt: now.
  std::optional<WallTime> created;
  // As LayerInfo::description; a layer that is known already keeps its own.
  std::string description;
};
// Opens the uncompressed tar of a lazy layer whose ImageLayer::open did not survive (the layer was loaded by id).
using LazyOpener = std::function<Result<std::unique_ptr<content::ByteSource>>(
    const Digest& diff_id, const content::Descriptor& blob, const std::string& origin, const LayerProgress& progress,
    std::stop_token)>;

struct LayerInfo {
  LayerId id;
  // False: lazy, nothing on disk.
  bool unpacked = false;
  // Empty if never computed.
  Digest diff_id;
  std::string origin;
  // What made it, for people and for the history of images; may be empty.
  std::string description;
  WallTime created;
  // Bytes on disk (hard links once) and number of files; computed on demand by Usage, nullopt before.
  std::optional<std::int64_t> bytes;
  std::optional<std::int64_t> files;
};

struct DiskUsage {
  std::int64_t bytes = 0;
  std::int64_t files = 0;
};

struct TarOptions {
  // Clamps later mtimes to it (SOURCE_DATE_EPOCH with rewrite-timestamp).
  std::optional<std::int64_t> max_mtime;
  // Set on every entry.
  std::optional<std::int64_t> fixed_mtime;
  // A directory name put before every path; the directory gets an entry of its own (mode 0755).
  std::string prefix;
  // False: the archive goes on (another WriteTar to the same sink), no end mark is written.
  bool end_of_archive = true;
};

class LayerStore {
 public:
  static Result<std::unique_ptr<LayerStore>> Open(LayerStoreOptions options);
  virtual ~LayerStore() = default;

  [[nodiscard]] virtual SnapshotterKind kind() const = 0;
  // Why kind() was chosen, for people: "overlayfs", "native copies: overlayfs cannot be mounted here (Operation not
  // permitted)".
  [[nodiscard]] virtual const std::string& kind_reason() const = 0;

  // --- references ---
  // A reference written by FsRef::ToText. kNotFound if one of its layers is gone.
  virtual Result<FsRef> Load(std::string_view text) = 0;
  virtual Result<FsRef> Load(std::span<const LayerId> ids) = 0;
  virtual Result<LayerRef> Lease(LayerId id) = 0;

  // --- mounting ---
  // Read-only view; unpacks lazy layers first.
  virtual Result<MountedFs> Mount(const FsRef& ref, std::stop_token stop = {}) = 0;
  // Writable view. A HostTree parent is materialised first; its directory is moved, not copied, if its holder gives it
  // away (HostTree::GiveAway).
  virtual Result<ActiveFs> Begin(const FsRef& parent, std::stop_token stop = {}) = 0;
  // A HostTree as a layer (copied, owner 0:0, once per HostTree object); anything else is returned as it is.
  virtual Result<FsRef> Materialize(const FsRef& ref) = 0;
  // Unpacks what is lazy, several layers in parallel.
  virtual Result<> Unpack(const FsRef& ref, std::stop_token stop = {}) = 0;
  // While the result lives, `progress` sees the downloads of the lazy layers of `ref`, whoever causes them. Null if
  // nothing of it is lazy.
  [[nodiscard]] virtual std::shared_ptr<void> Watch(const FsRef& ref, LayerProgress progress) = 0;

  // --- LLB merge and diff ---
  virtual Result<FsRef> Merge(std::span<const FsRef> refs) = 0;
  // What makes `upper` out of `lower`: the layers above if `lower` is a prefix, else a computed layer (kept and found
  // again for the same operands).
  virtual Result<FsRef> Diff(const FsRef& lower, const FsRef& upper, std::stop_token stop = {}) = 0;

  // --- image layers ---
  // The layer of that diffID, lazy if it is not unpacked yet. Scratch-stack them: FsRef({layers…}).
  virtual Result<LayerRef> AddImageLayer(ImageLayer layer) = 0;
  virtual void SetLazyOpener(LazyOpener opener) = 0;
  // Moves a directory (on the file system of the layers, with its files' owners and modes as they shall be, without
  // whiteouts) into the store as a new layer; its root gets mode 0755 and owner 0:0. On failure it stays where it is.
  virtual Result<LayerRef> Adopt(const std::string& directory) = 0;
  // Reads an uncompressed tar into a new layer. `diff_id` gets the digest of the stream if not null.
  virtual Result<LayerRef> ApplyTar(content::ByteSource& tar, Digest* diff_id = nullptr, std::stop_token stop = {}) = 0;

  // Sets LayerInfo::description of the uppermost layer, if it has none. Nothing for scratch and HostTrees.
  virtual Result<> Describe(const FsRef& ref, const std::string& description) = 0;

  // --- export ---
  // The layer as an uncompressed tar in deterministic order, whiteouts as OCI has them. An unpacked or lazy layer.
  virtual Result<> WriteTar(const LayerRef& layer, content::ByteSink& sink, const TarOptions& options = {},
                            std::stop_token stop = {}) = 0;
  // The whole filesystem as one tar without whiteouts.
  virtual Result<> WriteTar(const FsRef& ref, content::ByteSink& sink, const TarOptions& options = {},
                            std::stop_token stop = {}) = 0;
  // The blobs known to hold this layer (pulled or exported); they are *not* promised to be in the content store.
  virtual Result<std::vector<content::Descriptor>> Blobs(LayerId id) = 0;
  // Remembers a blob of the layer, and the layer's diffID (both are ignored if already known).
  virtual Result<> RecordBlob(LayerId id, const Digest& diff_id, const content::Descriptor& blob) = 0;
  // Empty digest if it is not known.
  virtual Result<Digest> DiffId(LayerId id) = 0;

  // --- housekeeping ---
  // Makes everything survive a power cut from here on. Without it, layers that were made since the last call are taken
  // for lost when the machine has been started anew: their rows go, layers of images are lazy again. The destructor
  // calls it if the oldest of them is older than a minute; what is older has mostly been written back by the kernel.
  virtual Result<> Sync() = 0;
  virtual Result<LayerInfo> Info(LayerId id) = 0;
  virtual Result<std::vector<LayerInfo>> List() = 0;
  // Computed on the first call, then kept.
  virtual Result<DiskUsage> Usage(LayerId id) = 0;
  // Removes every layer that is neither in `keep` nor leased in this process. The caller makes sure that no other
  // process uses the root (exclusive lock). Returns what was removed. On stop they are as gone, but files may be left
  // that are cleared away later: in the background, or when the root is opened the next time.
  virtual Result<std::vector<LayerInfo>> Collect(std::span<const LayerId> keep, std::stop_token stop = {}) = 0;
  // The layers that this process holds leases on.
  virtual std::set<LayerId> Leased() = 0;

  // The layer's own directory (`layers/<id>/fs`) in overlayfs format, O_PATH. Unpacked layers only. Not to be changed.
  virtual Result<UniqueFd> OpenLayer(LayerId id) = 0;
  // "trusted.overlay." or "user.overlay.": the prefix of overlayfs' own xattrs in layer directories.
  [[nodiscard]] virtual const std::string& overlay_xattr_prefix() const = 0;
};

}  // namespace loam::snapshot
