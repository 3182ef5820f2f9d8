#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "base/strings.h"
#include "base/task_pool.h"
#include "runtime-executor/snapshot/layer_store_impl.h"

namespace loam::snapshot {
namespace {

// Beside `fs`: the directories of the layer that had no entry in its tar, each ended by a zero byte.
constexpr const char* kImpliedFile = "/implied";
constexpr std::size_t kUnpackThreads = 4;

class HashingSource final : public content::ByteSource {
 public:
  explicit HashingSource(content::ByteSource& source) : source_(source) {}
  Result<std::size_t> Read(std::span<char> buffer) override {
    const std::size_t got = LOAM_TRY(source_.Read(buffer));
    hash_.Update(std::string_view(buffer.data(), got));
    return got;
  }
  Digest Finish() { return hash_.Finish(); }

 private:
  content::ByteSource& source_;
  Sha256 hash_;
};

const LeaseImpl& Impl(const LayerRef& layer) {
  return static_cast<const LeaseImpl&>(*layer);
}

// Does a layer speak of what was below it: with an opaque directory, which hides more than was there, or a file that
// was copied up and is as it was?
Result<bool> SpeaksOfBelow(int layer, int below, const std::string& overlay_prefix) {
  for (const DirEntry& entry : LOAM_TRY(ReadDir(layer))) {
    struct stat info {};
    if (::fstatat(layer, entry.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return UnexpectedErrno(fmt::format("stat `{}` of a layer", entry.name));
    }
    struct stat old {};
    const bool in_below = below >= 0 && ::fstatat(below, entry.name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (!S_ISDIR(info.st_mode)) {
      if (in_below && info.st_mode == old.st_mode && info.st_uid == old.st_uid && info.st_gid == old.st_gid &&
          info.st_size == old.st_size && info.st_rdev == old.st_rdev && info.st_mtim.tv_sec == old.st_mtim.tv_sec &&
          info.st_mtim.tv_nsec == old.st_mtim.tv_nsec) {
        return true;
      }
      continue;
    }
    constexpr int kOpen = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    const UniqueFd directory = LOAM_TRY(OpenFileAt(layer, entry.name, kOpen));
    if (LOAM_TRY(ReadXattrs(directory.get(), "")).contains(overlay_prefix + "opaque")) {
      return true;
    }
    UniqueFd below_directory;
    if (in_below && S_ISDIR(old.st_mode)) {
      below_directory = LOAM_TRY(OpenFileAt(below, entry.name, kOpen));
    }
    if (LOAM_TRY(SpeaksOfBelow(directory.get(), below_directory.get(), overlay_prefix))) {
      return true;
    }
  }
  return false;
}

std::string IdList(std::span<const LayerRef> layers) {
  std::string text;
  for (const LayerRef& layer : layers) {
    text += fmt::format("{}{}", text.empty() ? "" : ",", layer->id().value());
  }
  return text;
}

}  // namespace

// --- image layers ---

void LayerStoreImpl::SetLazyOpener(LazyOpener opener) {
  const std::lock_guard lock(mutex_);
  lazy_opener_ = std::move(opener);
}

Result<LayerRef> LayerStoreImpl::AddImageLayer(ImageLayer image) {
  if (image.diff_id.empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "an image layer needs a diffID");
  }
  const std::lock_guard add_lock(add_mutex_);
  LayerRef layer;
  if (const auto row = LOAM_TRY(db_->FindByDiffId(image.diff_id))) {
    layer = LOAM_TRY(Lease(row->id));
  } else {
    const LayerId id = LOAM_TRY(NewId());
    LOAM_TRY(db_->Insert(id, false, image.diff_id, image.origin, image.created));
    layer = LOAM_TRY(Lease(id));
    if (!image.description.empty()) {
      LOAM_TRY(db_->SetDescription(id, image.description));
    }
  }
  if (!image.blob.digest.empty()) {
    LOAM_TRY(db_->AddBlob(layer->id(), image.blob));
  }
  const LeaseImpl& lease = Impl(layer);
  if (!lease.unpacked) {
    const std::lock_guard lock(lease.mutex);
    if (!image.origin.empty()) {
      LOAM_TRY(db_->SetOrigin(layer->id(), image.origin));
    }
    if (image.open) {
      lease.image = std::move(image);
    }
  }
  return layer;
}

Result<> LayerStoreImpl::Unpack(const FsRef& ref, std::stop_token stop) {
  std::vector<LayerRef> lazy;
  for (const LayerRef& layer : ref.layers()) {
    if (!Impl(layer).unpacked) {
      lazy.push_back(layer);
    }
  }
  if (lazy.empty()) {
    return {};
  }
  std::mutex error_mutex;
  std::optional<Error> first_error;
  ParallelFor(
      lazy.size(),
      [&](std::size_t i) {
        auto unpacked = UnpackLayer(lazy[i], stop);
        if (!unpacked) {
          const std::lock_guard lock(error_mutex);
          if (!first_error) {
            first_error = std::move(unpacked).error();
          }
        }
      },
      std::min(lazy.size(), kUnpackThreads));
  if (first_error) {
    return tl::unexpected(std::move(*first_error));
  }
  return {};
}

std::shared_ptr<void> LayerStoreImpl::Watch(const FsRef& ref, LayerProgress progress) {
  struct Watching {
    LayerProgress progress;
    std::vector<LayerRef> layers;
    ~Watching() {
      for (const LayerRef& layer : layers) {
        const std::lock_guard lock(Impl(layer).watch_mutex);
        std::erase(Impl(layer).watchers, &progress);
      }
    }
  };
  std::shared_ptr<Watching> watching;
  for (const LayerRef& layer : ref.layers()) {
    if (Impl(layer).unpacked) {
      continue;
    }
    if (watching == nullptr) {
      watching = std::make_shared<Watching>();
      watching->progress = std::move(progress);
    }
    watching->layers.push_back(layer);
    const std::lock_guard lock(Impl(layer).watch_mutex);
    Impl(layer).watchers.push_back(&watching->progress);
  }
  return watching;
}

Result<> LayerStoreImpl::UnpackLayer(const LayerRef& layer, std::stop_token stop) {
  const LeaseImpl& lease = Impl(layer);
  const std::lock_guard lock(lease.mutex);
  if (lease.unpacked) {
    return {};
  }
  const LayerInfo row = LOAM_TRY(Info(layer->id()));
  auto& unpacked = const_cast<LeaseImpl&>(lease).unpacked;
  if (row.unpacked) {  // by another process
    unpacked = true;
    return {};
  }
  std::unique_ptr<content::ByteSource> tar;
  const LayerProgress progress = [&lease](const content::Descriptor& blob, std::uint64_t current, std::uint64_t total) {
    const std::lock_guard watch_lock(lease.watch_mutex);
    for (const LayerProgress* const watcher : lease.watchers) {
      (*watcher)(blob, current, total);
    }
  };
  if (lease.image && lease.image->open) {
    tar = LOAM_TRY(lease.image->open(progress, stop));
  } else {
    LazyOpener opener;
    {
      const std::lock_guard store_lock(mutex_);
      opener = lazy_opener_;
    }
    const auto blobs = LOAM_TRY(db_->Blobs(layer->id()));
    if (!opener || blobs.empty()) {
      return Unexpected(
          ErrorCode::kFailedPrecondition,
          fmt::format("layer {} is not on this machine and there is no way known to get it", row.diff_id.ToString()));
    }
    tar = LOAM_TRY(opener(row.diff_id, blobs.front(), row.origin, progress, stop));
  }
  const LayerId made = LOAM_TRY(NewDirectory());
  auto applied = UnpackInto(made, row.diff_id, *tar, stop);
  if (!applied) {
    DropDirectory(made);
    return tl::unexpected(std::move(applied).error().Wrap(fmt::format("unpack layer {}", row.diff_id.ToString())));
  }
  const std::string from = DirName(made);
  const std::string to = DirName(layer->id());
  if (::renameat(layers_fd(), from.c_str(), layers_fd(), to.c_str()) != 0) {
    if (errno != EEXIST && errno != ENOTEMPTY) {
      auto error = UnexpectedErrno("publish layer");
      DropDirectory(made);
      return error;
    }
    if (LOAM_TRY(Info(layer->id())).unpacked) {
      DropDirectory(made);
    } else {
      // Left behind by a process that died between the rename and the row.
      LOAM_TRY(RemoveTreeAt(layers_fd(), to));
      if (::renameat(layers_fd(), from.c_str(), layers_fd(), to.c_str()) != 0) {
        return UnexpectedErrno("publish layer");
      }
    }
  }
  LOAM_TRY(db_->SetUnpacked(layer->id()));
  unpacked = true;
  lease.image.reset();
  return {};
}

Result<> LayerStoreImpl::UnpackInto(LayerId id, const Digest& diff_id, content::ByteSource& tar, std::stop_token stop) {
  HashingSource hashed(tar);
  std::set<std::string> implied;
  const UniqueFd fd = LOAM_TRY(OpenFileAt(layers_fd(), FsName(id), O_RDONLY | O_DIRECTORY));
  LOAM_TRY(ApplyTarStream(hashed, fd.get(), ApplyOptions{overlay_prefix_, true}, &implied, std::move(stop)));
  const Digest digest = hashed.Finish();
  if (!diff_id.empty() && digest != diff_id) {
    return Unexpected(ErrorCode::kDataLoss, fmt::format("the layer's contents have digest {}, expected {}",
                                                        digest.ToString(), diff_id.ToString()));
  }
  if (!implied.empty()) {
    std::string text;
    for (const std::string& path : implied) {
      text += path;
      text += '\0';
    }
    const UniqueFd file = LOAM_TRY(OpenFileAt(layers_fd(), DirName(id) + kImpliedFile, O_WRONLY | O_CREAT | O_EXCL));
    LOAM_TRY(WriteAll(file.get(), text, "implied"));
  }
  if (diff_id.empty()) {
    LOAM_TRY(db_->SetDiffId(id, digest));
  }
  return {};
}

Result<LayerRef> LayerStoreImpl::MakeLayer(const std::function<Result<>(int fs)>& fill) {
  const LayerId id = LOAM_TRY(NewDirectory());
  const auto filled = [&]() -> Result<> {
    const UniqueFd fs = LOAM_TRY(OpenFileAt(layers_fd(), FsName(id), O_RDONLY | O_DIRECTORY));
    return fill(fs.get());
  }();
  if (!filled) {
    DropDirectory(id);
    return tl::unexpected(filled.error());
  }
  return Publish(id);
}

Result<LayerRef> LayerStoreImpl::Adopt(const std::string& directory) {
  const LayerId id = LOAM_TRY(NewDirectory());
  const std::string fs = FsName(id);
  const auto move = [&]() -> Result<> {
    if (::chown(directory.c_str(), 0, 0) != 0 && ::geteuid() == 0) {
      return UnexpectedErrno("set owner of layer");
    }
    // Onto the empty directory.
    if (::chmod(directory.c_str(), 0755) != 0 ||
        ::renameat(AT_FDCWD, directory.c_str(), layers_fd(), fs.c_str()) != 0) {
      return UnexpectedErrno(fmt::format("move `{}` into the layer store", directory));
    }
    return {};
  };
  if (auto moved = move(); !moved) {
    DropDirectory(id);
    return tl::unexpected(std::move(moved).error());
  }
  return Publish(id);
}

Result<LayerRef> LayerStoreImpl::ApplyTar(content::ByteSource& tar, Digest* diff_id, std::stop_token stop) {
  const LayerId id = LOAM_TRY(NewDirectory());
  HashingSource hashed(tar);
  auto applied = UnpackInto(id, Digest(), hashed, std::move(stop));
  if (!applied) {
    DropDirectory(id);
    return tl::unexpected(std::move(applied).error());
  }
  const Digest digest = hashed.Finish();
  if (diff_id != nullptr) {
    *diff_id = digest;
  }
  LayerRef layer = LOAM_TRY(Publish(id));
  LOAM_TRY(db_->SetDiffId(id, digest));
  return layer;
}

Result<std::set<std::string>> LayerStoreImpl::Implied(const LayerRef& layer) {
  const LeaseImpl& lease = Impl(layer);
  const std::lock_guard lock(lease.implied_mutex);
  if (!lease.implied) {
    std::set<std::string> paths;
    auto file = OpenFileAt(layers_fd(), DirName(layer->id()) + kImpliedFile, O_RDONLY);
    if (file) {
      const std::string text = LOAM_TRY(ReadAll(file->get(), "implied"));
      for (const std::string_view path : Split(text, '\0')) {
        if (!path.empty()) {
          paths.emplace(path);
        }
      }
    } else if (file.error().sys_errno() != ENOENT) {
      return tl::unexpected(std::move(file).error());
    }
    lease.implied = std::move(paths);
  }
  return *lease.implied;
}

// --- computed layers ---

Result<LayerRef> LayerStoreImpl::Computed(const std::string& key, const std::function<Result<LayerRef>()>& make) {
  const std::lock_guard lock(compute_mutex_);
  if (const auto id = LOAM_TRY(db_->FindComputed(key))) {
    if (auto layer = Lease(*id)) {
      return layer;
    }
  }
  LayerRef layer = LOAM_TRY(make());
  LOAM_TRY(db_->SetComputed(key, layer->id()));
  return layer;
}

Result<std::vector<LayerId>> LayerStoreImpl::EffectiveLayers(std::span<const LayerRef> layers,
                                                             std::vector<LayerRef>* hold, std::stop_token stop) {
  LOAM_TRY(Unpack(FsRef(std::vector<LayerRef>(layers.begin(), layers.end())), stop));
  // A layer that lies in the stack twice says below nothing that it does not say above.
  std::vector<LayerRef> stack;
  std::set<LayerId> seen;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    if (seen.insert((*layer)->id()).second) {
      stack.push_back(*layer);
    }
  }
  std::reverse(stack.begin(), stack.end());
  for (std::size_t i = 1; i < stack.size(); ++i) {
    if (!LOAM_TRY(Implied(stack[i])).empty()) {
      stack[i] = LOAM_TRY(Rebase(std::span<const LayerRef>(stack).first(i), stack[i], stop));
    }
  }
  const std::size_t most = legacy_ ? kMaxLegacyOverlayLowers : kMaxOverlayLowers;
  if (kind_ == SnapshotterKind::kOverlay && stack.size() > most) {
    // Always cut at multiples, so that growing stacks share their flattened lower parts.
    const std::size_t unit = most / 2;
    const std::size_t cut = (stack.size() - 1) / unit * unit;
    std::vector<LayerRef> flat = {LOAM_TRY(Flatten(std::span<const LayerRef>(stack).first(cut), stop))};
    flat.insert(flat.end(), stack.begin() + static_cast<std::ptrdiff_t>(cut), stack.end());
    stack = std::move(flat);
  }
  std::vector<LayerId> ids;
  ids.reserve(stack.size());
  for (const LayerRef& layer : stack) {
    ids.push_back(layer->id());
  }
  *hold = std::move(stack);
  return ids;
}

Result<LayerRef> LayerStoreImpl::Flatten(std::span<const LayerRef> layers, std::stop_token stop) {
  return Computed("flatten:" + IdList(layers), [&]() -> Result<LayerRef> {
    // By halves of what one mount takes.
    const MountedFs view = LOAM_TRY(Mount(FsRef(std::vector<LayerRef>(layers.begin(), layers.end())), stop));
    return MakeLayer([&](int to) -> Result<> {
      LOAM_TRY_CONTEXT("flatten layers", CopyDifference(-1, view.fd(), to, overlay_prefix_));
      return {};
    });
  });
}

// The layer as it can lie on anything: an opaque directory as the removal of what it hid, and nothing that only repeats
// what lay below. Layers of images are taken as they are.
Result<LayerRef> LayerStoreImpl::Explicit(std::span<const LayerRef> below, const LayerRef& layer,
                                          std::stop_token stop) {
  if (below.empty() || !Impl(layer).unpacked || !LOAM_TRY(Info(layer->id())).origin.empty()) {
    return layer;
  }
  const FsRef lower(std::vector<LayerRef>(below.begin(), below.end()));
  const std::string key = fmt::format("explicit:{}|{}", IdList(below), layer->id().value());
  return Computed(key, [&]() -> Result<LayerRef> {
    const MountedFs view = LOAM_TRY(Mount(lower, stop));
    {
      const UniqueFd fs = LOAM_TRY(OpenFileAt(layers_fd(), FsName(layer->id()), O_RDONLY | O_DIRECTORY));
      if (!LOAM_TRY(SpeaksOfBelow(fs.get(), view.fd(), overlay_prefix_))) {
        return layer;
      }
    }
    std::vector<LayerRef> stack(below.begin(), below.end());
    stack.push_back(layer);
    const MountedFs above = LOAM_TRY(Mount(FsRef(std::move(stack)), stop));
    return MakeLayer([&](int to) -> Result<> {
      LOAM_TRY_CONTEXT("compute difference", CopyDifference(view.fd(), above.fd(), to, overlay_prefix_));
      return {};
    });
  });
}

// Those of a stack from `first` on.
Result<FsRef> LayerStoreImpl::ExplicitLayers(std::span<const LayerRef> layers, std::size_t first,
                                             std::stop_token stop) {
  std::vector<LayerRef> result;
  for (std::size_t i = first; i < layers.size(); ++i) {
    result.push_back(LOAM_TRY(Explicit(layers.first(i), layers[i], stop)));
  }
  return FsRef(std::move(result));
}

// The layer written anew onto what lies below it, if its implied directories would hide something there: another owner
// or mode, or a symlink through which its files belong.
Result<LayerRef> LayerStoreImpl::Rebase(std::span<const LayerRef> below, const LayerRef& layer, std::stop_token stop) {
  const FsRef parent(std::vector<LayerRef>(below.begin(), below.end()));
  const std::string key = fmt::format("rebase:{}|{}", IdList(below), layer->id().value());
  return Computed(key, [&]() -> Result<LayerRef> {
    const auto implied = LOAM_TRY(Implied(layer));
    bool needed = false;
    {
      const MountedFs view = LOAM_TRY(Mount(parent, stop));
      for (const std::string& path : implied) {
        const auto info = LOAM_TRY(LstatInRoot(view.fd(), path));
        needed = needed || (info && !(S_ISDIR(info->st_mode) && (info->st_mode & 07777U) == 0755 && info->st_uid == 0 &&
                                      info->st_gid == 0));
      }
    }
    if (!needed) {
      return layer;
    }
    ActiveFs active = LOAM_TRY(Begin(parent, stop));
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      return UnexpectedErrno("make pipe");
    }
    UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    const UniqueFd from = LOAM_TRY(OpenFileAt(layers_fd(), FsName(layer->id()), O_RDONLY | O_DIRECTORY));
    Result<> written;
    std::thread writer([&] {
      content::FdSink sink(write_end.get(), "pipe");
      WriteTarOptions options;
      options.overlay_prefix = overlay_prefix_;
      options.skip_dirs = implied;
      written = WriteTarStream(from.get(), options, sink, stop);
      write_end.Reset();
    });
    content::FdSource source(read_end.get(), "pipe");
    std::set<std::string> ignored;
    auto applied = ApplyTarStream(source, active.fd(), ApplyOptions{overlay_prefix_, false}, &ignored, stop);
    read_end.Reset();
    writer.join();
    LOAM_TRY(std::move(applied));
    LOAM_TRY(std::move(written));
    return LOAM_TRY(std::move(active).Commit()).layers().back();
  });
}

Result<FsRef> LayerStoreImpl::Materialize(const FsRef& ref) {
  return MaterializeTree(ref, TreeUse::kCopy);
}

Result<FsRef> LayerStoreImpl::MaterializeTree(const FsRef& ref, TreeUse use) {
  if (!ref.is_host_tree()) {
    return ref;
  }
  const std::lock_guard compute_lock(compute_mutex_);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(materialized_, [](const auto& entry) { return entry.first.expired(); });
    for (const auto& [tree, made] : materialized_) {
      if (tree.lock() == ref.host_tree()) {
        return made;
      }
    }
  }
  const HostTree& tree = *ref.host_tree();
  LayerRef layer;
  if (use == TreeUse::kTake) {
    LOAM_TRY(tree.GiveAway([&](const std::string& path) -> Result<std::shared_ptr<void>> {
      layer = LOAM_TRY(Adopt(path));
      return std::shared_ptr<void>(std::make_shared<LayerRef>(layer));
    }));
  }
  if (layer == nullptr) {
    layer = LOAM_TRY_CONTEXT(fmt::format("copy `{}`", tree.path()), CopyTreeToLayer(tree));
  }
  FsRef made(std::vector<LayerRef>{std::move(layer)});
  const std::lock_guard lock(mutex_);
  materialized_.emplace_back(ref.host_tree(), made);
  return made;
}

Result<LayerRef> LayerStoreImpl::CopyTreeToLayer(const HostTree& tree) {
  return MakeLayer([&](int to) -> Result<> {
    CopyOptions options;
    options.owner = std::pair<uid_t, gid_t>(0, 0);
    options.keep_xattr = [](std::string_view key) { return !key.starts_with("com.apple."); };
    std::optional<Error> error;
    LOAM_TRY(CopyTree(tree.fd(), to, options, [&](const std::string& path, const struct stat&) {
      auto found = tree.Find(path);
      if (!found && !error) {
        error = std::move(found).error();
      }
      return found && *found != nullptr;
    }));
    if (error) {
      return tl::unexpected(std::move(*error));
    }
    return {};
  });
}

constexpr std::size_t kMaxMergedLayers = 2048;

Result<FsRef> LayerStoreImpl::Merge(std::span<const FsRef> refs) {
  FsRef merged;
  for (const FsRef& ref : refs) {
    const FsRef made = LOAM_TRY(Materialize(ref));
    // A merge of merges may double with each of them.
    if (merged.layers().size() + made.layers().size() > kMaxMergedLayers) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("a merge of more than {} layers is not supported", kMaxMergedLayers));
    }
    // Below the first there is nothing but its own.
    merged = merged.Stack(merged.is_scratch() ? made : LOAM_TRY(ExplicitLayers(made.layers(), 0, {})));
  }
  return merged;
}

Result<FsRef> LayerStoreImpl::Diff(const FsRef& given_lower, const FsRef& given_upper, std::stop_token stop) {
  const FsRef lower = LOAM_TRY(Materialize(given_lower));
  const FsRef upper = LOAM_TRY(Materialize(given_upper));
  FsRef suffix;
  if (upper.SuffixAbove(lower, &suffix)) {
    return ExplicitLayers(upper.layers(), lower.layers().size(), stop);
  }
  const std::string key = fmt::format("diff:{}|{}", IdList(lower.layers()), IdList(upper.layers()));
  const auto make = [&]() -> Result<LayerRef> {
    const MountedFs below = LOAM_TRY(Mount(lower, stop));
    const MountedFs above = LOAM_TRY(Mount(upper, stop));
    return MakeLayer([&](int to) -> Result<> {
      LOAM_TRY_CONTEXT("compute difference", CopyDifference(below.fd(), above.fd(), to, overlay_prefix_));
      return {};
    });
  };
  return FsRef(std::vector<LayerRef>{LOAM_TRY(Computed(key, make))});
}

// --- export ---

Result<> LayerStoreImpl::WriteTar(const LayerRef& layer, content::ByteSink& sink, const TarOptions& options,
                                  std::stop_token stop) {
  LOAM_TRY(UnpackLayer(layer, stop));
  WriteTarOptions write;
  write.tar = options;
  write.overlay_prefix = overlay_prefix_;
  write.skip_dirs = LOAM_TRY(Implied(layer));
  const UniqueFd fd = LOAM_TRY(OpenFileAt(layers_fd(), FsName(layer->id()), O_RDONLY | O_DIRECTORY));
  return WriteTarStream(fd.get(), write, sink, std::move(stop));
}

Result<> LayerStoreImpl::WriteTar(const FsRef& ref, content::ByteSink& sink, const TarOptions& options,
                                  std::stop_token stop) {
  const MountedFs view = LOAM_TRY(Mount(ref, stop));
  WriteTarOptions write;
  write.tar = options;
  write.overlay_prefix = overlay_prefix_;
  write.from_layer = false;
  write.host_tree = ref.host_tree().get();
  return WriteTarStream(view.fd(), write, sink, std::move(stop));
}

}  // namespace loam::snapshot
