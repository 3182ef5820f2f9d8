#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/check.h"
#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "runtime-executor/snapshot/layer_store_impl.h"

namespace loam::snapshot {

Result<UniqueFd> LayerStoreImpl::MountStack(std::span<const LayerRef> layers, const std::string& upper,
                                            const std::string& work, std::shared_ptr<void>* keep,
                                            std::stop_token stop) {
  auto hold = std::make_shared<std::vector<LayerRef>>();
  auto ids = LOAM_TRY(EffectiveLayers(layers, hold.get(), stop));
  OverlaySpec spec;
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    spec.lowers.push_back(FsName(*id));
  }
  const std::size_t needed = upper.empty() ? 2 : 1;
  for (const char* empty : {".e0", ".e1"}) {
    if (spec.lowers.size() < needed) {
      spec.lowers.emplace_back(empty);
    }
  }
  spec.upper = upper;
  spec.work = work;
  spec.userxattr = userxattr_;
  spec.legacy = legacy_;
  UniqueFd fd = LOAM_TRY(MountOverlay(layers_fd(), spec));
  *keep = std::move(hold);
  return fd;
}

Result<MountedFs> LayerStoreImpl::Mount(const FsRef& ref, std::stop_token stop) {
  if (ref.is_host_tree()) {
    return MountedFs(LOAM_TRY(OpenFileAt(ref.host_tree()->fd(), ".", O_RDONLY | O_DIRECTORY)), ref);
  }
  if (kind_ == SnapshotterKind::kNative) {
    return MountNative(ref, std::move(stop));
  }
  std::shared_ptr<void> keep;
  UniqueFd fd = LOAM_TRY(MountStack(ref.layers(), "", "", &keep, std::move(stop)));
  return MountedFs(std::move(fd), ref, std::move(keep));
}

namespace {

// A directory below layers/ that is removed with the last view of it.
struct ViewDirectory {
  LayerStoreImpl* store;
  LayerId id;
  std::vector<LayerRef> layers;
  ViewDirectory(LayerStoreImpl* owner, LayerId view, std::vector<LayerRef> used)
      : store(owner), id(view), layers(std::move(used)) {}
  ~ViewDirectory() { store->DropDirectory(id); }
  ViewDirectory(const ViewDirectory&) = delete;
  ViewDirectory& operator=(const ViewDirectory&) = delete;
};

}  // namespace

Result<MountedFs> LayerStoreImpl::MountNative(const FsRef& ref, std::stop_token stop) {
  std::vector<LayerRef> hold;
  const auto ids = LOAM_TRY(EffectiveLayers(ref.layers(), &hold, stop));
  const std::lock_guard compute_lock(compute_mutex_);
  std::shared_ptr<void> view;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(views_, [](const auto& entry) { return entry.second.expired(); });
    if (const auto found = views_.find(ids); found != views_.end()) {
      view = found->second.lock();
    }
  }
  if (view == nullptr) {
    auto made = std::make_shared<ViewDirectory>(this, LOAM_TRY(NewDirectory()), std::move(hold));
    const UniqueFd to = LOAM_TRY(OpenFileAt(layers_fd(), FsName(made->id), O_RDONLY | O_DIRECTORY));
    for (const LayerId id : ids) {
      if (stop.stop_requested()) {
        return Unexpected(ErrorCode::kCanceled, "canceled");
      }
      const UniqueFd layer = LOAM_TRY(OpenFileAt(layers_fd(), FsName(id), O_RDONLY | O_DIRECTORY));
      LOAM_TRY(OverlayOnto(layer.get(), to.get(), overlay_prefix_));
    }
    view = std::move(made);
    const std::lock_guard lock(mutex_);
    views_[ids] = view;
  }
  UniqueFd fd = LOAM_TRY(CloneDirectory(layers_fd(), FsName(static_cast<ViewDirectory*>(view.get())->id)));
  return MountedFs(std::move(fd), ref, std::move(view));
}

Result<ActiveFs> LayerStoreImpl::Begin(const FsRef& given, std::stop_token stop) {
  const FsRef parent = LOAM_TRY(MaterializeTree(given, TreeUse::kTake));
  auto active = std::make_unique<ActiveFs::Impl>();
  active->store = this;
  active->parent = parent;
  // Before the directory is made: nothing to clean up if it fails.
  LOAM_TRY(Unpack(parent, stop));
  active->id = LOAM_TRY(NewDirectory());
  const std::string fs = FsName(active->id);
  if (kind_ == SnapshotterKind::kNative) {
    const UniqueFd to = LOAM_TRY(OpenFileAt(layers_fd(), fs, O_RDONLY | O_DIRECTORY));
    std::vector<LayerRef> hold;
    for (const LayerId id : LOAM_TRY(EffectiveLayers(parent.layers(), &hold, stop))) {
      if (stop.stop_requested()) {
        return Unexpected(ErrorCode::kCanceled, "canceled");
      }
      const UniqueFd layer = LOAM_TRY(OpenFileAt(layers_fd(), FsName(id), O_RDONLY | O_DIRECTORY));
      LOAM_TRY(OverlayOnto(layer.get(), to.get(), overlay_prefix_));
    }
    active->manifest = LOAM_TRY(MakeManifest(to.get()));
    active->fd = LOAM_TRY(CloneDirectory(layers_fd(), fs));
    return ActiveFs(std::move(active));
  }
  const std::string work = WorkName(active->id);
  if (::mkdirat(layers_fd(), work.c_str(), 0700) != 0) {
    return UnexpectedErrno("make overlayfs work directory");
  }
  if (!parent.is_scratch()) {
    // The root of the view is the root of the upper directory; everything else merges.
    struct stat root {};
    if (::fstatat(layers_fd(), FsName(parent.layers().back()->id()).c_str(), &root, 0) != 0) {
      return UnexpectedErrno("stat parent layer");
    }
    if (::fchownat(layers_fd(), fs.c_str(), root.st_uid, root.st_gid, 0) != 0 ||
        ::fchmodat(layers_fd(), fs.c_str(), root.st_mode & 07777U, 0) != 0) {
      return UnexpectedErrno("set owner and mode of layer");
    }
  }
  if (::fstatat(layers_fd(), fs.c_str(), &active->root, 0) != 0) {
    return UnexpectedErrno("stat layer");
  }
  active->fd = LOAM_TRY(MountStack(parent.layers(), fs, work, &active->keep, std::move(stop)));
  return ActiveFs(std::move(active));
}

// --- ActiveFs ---

ActiveFs::Impl::~Impl() {
  if (!done && id != LayerId()) {
    fd.Reset();
    store->DropDirectory(id);
    if (!manifest) {
      store->janitor().RemoveTree(store->layers_fd(), LayerStoreImpl::WorkName(id));
    }
  }
}

ActiveFs::ActiveFs() = default;
ActiveFs::ActiveFs(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ActiveFs::~ActiveFs() = default;
ActiveFs::ActiveFs(ActiveFs&&) noexcept = default;
ActiveFs& ActiveFs::operator=(ActiveFs&&) noexcept = default;

int ActiveFs::fd() const {
  return impl_->fd.get();
}
const FsRef& ActiveFs::parent() const {
  return impl_->parent;
}

namespace {

Result<FsRef> WithLayer(const FsRef& parent, LayerRef layer) {
  std::vector<LayerRef> layers(parent.layers().begin(), parent.layers().end());
  layers.push_back(std::move(layer));
  return FsRef(std::move(layers));
}

bool SameMetadata(const struct stat& a, const struct stat& b) {
  return a.st_mode == b.st_mode && a.st_uid == b.st_uid && a.st_gid == b.st_gid &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// Attributes that users see.
Result<Xattrs> VisibleXattrs(int root, const std::string& path, const std::string& overlay_prefix) {
  const UniqueFd directory = LOAM_TRY(OpenInRoot(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  Xattrs xattrs = LOAM_TRY(ReadXattrs(directory.get(), ""));
  std::erase_if(xattrs, [&](const auto& entry) { return entry.first.starts_with(overlay_prefix); });
  return xattrs;
}

// Is the directory `path` of the upper layer what overlayfs copied up, and nothing else?
Result<bool> IsUnchangedCopy(LayerStoreImpl& store, int upper, const FsRef& parent, const std::string& path) {
  const auto info = LOAM_TRY(LstatInRoot(upper, path));
  if (!info || !S_ISDIR(info->st_mode)) {
    return false;
  }
  const UniqueFd directory = LOAM_TRY(OpenInRoot(upper, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  for (const auto& [key, value] : LOAM_TRY(ReadXattrs(directory.get(), ""))) {
    if (key == store.overlay_xattr_prefix() + "opaque" || key == store.overlay_xattr_prefix() + "redirect") {
      return false;
    }
  }
  if (!LOAM_TRY(ReadDir(directory.get())).empty()) {
    return false;
  }
  for (auto layer = parent.layers().rbegin(); layer != parent.layers().rend(); ++layer) {
    const UniqueFd lower =
        LOAM_TRY(OpenFileAt(store.layers_fd(), LayerStoreImpl::FsName((*layer)->id()), O_RDONLY | O_DIRECTORY));
    const auto below = LOAM_TRY(LstatInRoot(lower.get(), path));
    if (!below) {
      continue;
    }
    return SameMetadata(*info, *below) && LOAM_TRY(VisibleXattrs(upper, path, store.overlay_xattr_prefix())) ==
                                              LOAM_TRY(VisibleXattrs(lower.get(), path, store.overlay_xattr_prefix()));
  }
  return false;
}

// Removes those of the directories from the upper layer that only say what a layer below says.
Result<> DropUnchanged(LayerStoreImpl& store, const std::string& fs, const FsRef& parent,
                       std::span<const std::string> paths) {
  const UniqueFd upper = LOAM_TRY(OpenFileAt(store.layers_fd(), fs, O_RDONLY | O_DIRECTORY));
  for (const std::string& path : paths) {
    if (!LOAM_TRY(IsUnchangedCopy(store, upper.get(), parent, path))) {
      continue;
    }
    const ParentAndName place = LOAM_TRY(OpenParentInRoot(upper.get(), path));
    const UniqueFd directory = LOAM_TRY(OpenFileAt(place.parent.get(), ".", O_RDONLY | O_DIRECTORY));
    struct stat above {};
    if (::fstat(directory.get(), &above) != 0) {
      return UnexpectedErrno(fmt::format("stat the directory of `{}`", path));
    }
    const timespec times[2] = {above.st_atim, above.st_mtim};
    if (::unlinkat(directory.get(), place.name.c_str(), AT_REMOVEDIR) != 0 || ::futimens(directory.get(), times) != 0) {
      return UnexpectedErrno(fmt::format("remove `{}` from a layer", path));
    }
  }
  return {};
}

}  // namespace

Result<FsRef> ActiveFs::Commit(bool keep_empty, std::span<const std::string> disturbed) && {
  LOAM_CHECK(impl_ != nullptr, "ActiveFs was committed before");
  // Dropped on every error path, with what is on disk.
  const std::unique_ptr<Impl> self = std::move(impl_);
  LayerStoreImpl& store = *self->store;
  store.janitor().Close(std::move(self->fd));
  const std::string fs = LayerStoreImpl::FsName(self->id);
  if (self->manifest) {
    const LayerId layer = LOAM_TRY(store.NewDirectory());
    const auto move = [&]() -> Result<bool> {
      const UniqueFd from = LOAM_TRY(OpenFileAt(store.layers_fd(), fs, O_RDONLY | O_DIRECTORY));
      const UniqueFd to =
          LOAM_TRY(OpenFileAt(store.layers_fd(), LayerStoreImpl::FsName(layer), O_RDONLY | O_DIRECTORY));
      const bool moved = LOAM_TRY(MoveChanges(from.get(), *self->manifest, to.get(), store.overlay_xattr_prefix()));
      // Their change times tell that something was there, which is none of their contents.
      LOAM_TRY(DropUnchanged(store, LayerStoreImpl::FsName(layer), self->parent, disturbed));
      return moved;
    };
    auto changed = move();
    if (!changed || (!*changed && !keep_empty)) {
      store.DropDirectory(layer);
      if (!changed) {
        return tl::unexpected(std::move(changed).error());
      }
      return self->parent;
    }
    return WithLayer(self->parent, LOAM_TRY(store.Publish(layer)));
  }
  if (!disturbed.empty()) {
    LOAM_TRY(DropUnchanged(store, fs, self->parent, disturbed));
  }
  if (!keep_empty) {
    const UniqueFd dir = LOAM_TRY(OpenFileAt(store.layers_fd(), fs, O_RDONLY | O_DIRECTORY));
    struct stat root {};
    if (::fstat(dir.get(), &root) != 0) {
      return UnexpectedErrno("stat layer");
    }
    if (LOAM_TRY(ReadDir(dir.get())).empty() && root.st_mode == self->root.st_mode &&
        root.st_uid == self->root.st_uid && root.st_gid == self->root.st_gid) {
      return self->parent;
    }
  }
  self->done = true;  // Publish takes over
  store.janitor().RemoveTree(store.layers_fd(), LayerStoreImpl::WorkName(self->id));
  return WithLayer(self->parent, LOAM_TRY(store.Publish(self->id)));
}

}  // namespace loam::snapshot
