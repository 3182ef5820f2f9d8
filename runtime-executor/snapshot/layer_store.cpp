#include "runtime-executor/snapshot/layer_store.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/remove_tree.h"
#include "base/rooted_fs.h"
#include "base/strings.h"
#include "runtime-executor/snapshot/layer_store_impl.h"

namespace loam::snapshot {
namespace {

// Two empty directories: overlayfs wants a lower below every upper, and two lowers where there is no upper.
constexpr const char* kEmptyDirs[] = {".e0", ".e1"};
constexpr const char* kProbe = ".probe";
constexpr const char* kProbeAnswer = ".overlay";
constexpr const char* kWork = ".work";
constexpr const char* kTrash = ".trash";
constexpr std::chrono::seconds kUnsyncedFor{60};

Result<std::int64_t> RandomId() {
  std::uint64_t bits = 0;
  if (::getrandom(&bits, sizeof(bits), 0) != static_cast<ssize_t>(sizeof(bits))) {
    return UnexpectedErrno("get random bytes");
  }
  // 48 bits: short names keep the option string of old kernels short.
  return static_cast<std::int64_t>((bits & 0xFFFFFFFFFFFFU) | 1U);
}

Result<> MakeDirAt(int dir, const std::string& name, mode_t mode) {
  if (::mkdirat(dir, name.c_str(), mode) != 0 && errno != EEXIST) {
    return UnexpectedErrno(fmt::format("mkdir `{}`", name));
  }
  return {};
}

bool CanSetTrustedXattrs(int dir) {
  if (::fsetxattr(dir, "trusted.loam", "y", 1, 0) != 0) {
    return false;
  }
  ::fremovexattr(dir, "trusted.loam");
  return true;
}

}  // namespace

Result<std::unique_ptr<LayerStore>> LayerStore::Open(LayerStoreOptions options) {
  auto store = std::make_unique<LayerStoreImpl>(std::move(options));
  LOAM_TRY_CONTEXT("open layer store", store->Init());
  return store;
}

std::string LayerStoreImpl::DirName(LayerId id) {
  return fmt::format("{:012x}", id.value());
}

Result<> LayerStoreImpl::Init() {
  const std::string layers = options_.root + "/layers";
  LOAM_TRY(MakeDirs(layers, 0700));
  layers_fd_ = LOAM_TRY(OpenFile(layers, O_RDONLY | O_DIRECTORY));
  for (const char* name : kEmptyDirs) {
    LOAM_TRY(MakeDirAt(layers_fd(), name, 0755));
  }
  LOAM_TRY(MakeDirAt(layers_fd(), kWork, 0700));
  std::string boot = options_.boot_id;
  if (boot.empty()) {
    if (const auto text = ReadFile("/proc/sys/kernel/random/boot_id")) {
      boot = TrimSpace(*text);
    }
  }
  db_ = LOAM_TRY(LayerDb::Open(options_.root + "/layers.db", boot));
  LOAM_TRY(ForgetLost());
  if (options_.remove_leftovers) {
    LOAM_TRY(RemoveLeftovers());
  }
  return ChooseKind();
}

Result<> LayerStoreImpl::ChooseKind() {
  {
    const UniqueFd empty = LOAM_TRY(OpenFileAt(layers_fd(), kEmptyDirs[0], O_RDONLY | O_DIRECTORY));
    userxattr_ = !CanSetTrustedXattrs(empty.get());
  }
  overlay_prefix_ = userxattr_ ? "user.overlay." : "trusted.overlay.";
  if (options_.snapshotter == SnapshotterKind::kNative) {
    kind_ = SnapshotterKind::kNative;
    kind_reason_ = "native copies, as asked for";
    return {};
  }
  // The answer holds as long as the kernel runs; asking again at every start would cost more than a small build step.
  utsname system{};
  ::uname(&system);
  const auto boot = ReadFile("/proc/sys/kernel/random/boot_id");
  const std::string question = fmt::format("{} {} {} uid {} legacy {} xattrs {}", system.release, system.version,
                                           boot ? TrimSpace(*boot) : std::string_view(), ::geteuid(),
                                           options_.legacy_overlay_options, overlay_prefix_);
  const std::string answer_path = options_.root + "/layers/" + kProbeAnswer;
  if (const auto answer = LOAM_TRY(ReadFileIfExists(answer_path))) {
    for (const bool legacy : {false, true}) {
      if (*answer == fmt::format("{}\n{}", question, legacy)) {
        legacy_ = legacy;
        kind_reason_ = "overlayfs";
        return {};
      }
    }
  }
  legacy_ = options_.legacy_overlay_options;
  auto mounted = Probe(legacy_);
  if (!mounted && !legacy_) {
    if (auto legacy = Probe(true)) {
      legacy_ = true;
      mounted = std::move(legacy);
    }
  }
  if (mounted) {
    kind_reason_ = "overlayfs";
    return WriteFileAtomic(answer_path, fmt::format("{}\n{}", question, legacy_));
  }
  if (options_.snapshotter == SnapshotterKind::kOverlay) {
    return tl::unexpected(std::move(mounted).error());
  }
  kind_ = SnapshotterKind::kNative;
  kind_reason_ = fmt::format("native copies: overlayfs cannot be used here ({})", mounted.error().message());
  return {};
}

// A writable mount: a file system may do as a lower and yet not as an upper.
Result<UniqueFd> LayerStoreImpl::Probe(bool legacy) {
  const std::string probe = fmt::format("{}-{:x}", kProbe, LOAM_TRY(RandomId()));
  LOAM_TRY(MakeDirAt(layers_fd(), probe, 0700));
  LOAM_TRY(MakeDirAt(layers_fd(), probe + "/fs", 0755));
  LOAM_TRY(MakeDirAt(layers_fd(), probe + "/work", 0700));
  OverlaySpec spec;
  spec.lowers = {kEmptyDirs[0], kEmptyDirs[1]};
  spec.upper = probe + "/fs";
  spec.work = probe + "/work";
  spec.userxattr = userxattr_;
  spec.legacy = legacy;
  auto mounted = MountOverlay(layers_fd(), spec);
  janitor_.RemoveTree(layers_fd(), probe);
  return mounted;
}

LayerStoreImpl::~LayerStoreImpl() {
  if (db_ == nullptr) {
    return;
  }
  const auto oldest = db_->OldestUnsynced();
  if (oldest && *oldest && SystemClock().Now() - **oldest > kUnsyncedFor) {
    // What cannot be synced now is synced or made again later.
    (void)Sync();
  }
}

Result<> LayerStoreImpl::Sync() {
  const std::vector<LayerId> unsynced = LOAM_TRY(db_->Unsynced());
  if (unsynced.empty()) {
    return {};
  }
  if (::syncfs(layers_fd()) != 0) {
    return UnexpectedErrno("write layers to disk");
  }
  return db_->SetSynced(unsynced);
}

Result<> LayerStoreImpl::ForgetLost() {
  for (const LayerId id : LOAM_TRY(db_->Lost())) {
    // The directory first: without a row it would be in the way of nobody, with one it would be taken for the layer.
    std::string trash = fmt::format("{}-{:x}", kTrash, LOAM_TRY(RandomId()));
    if (::renameat(layers_fd(), DirName(id).c_str(), layers_fd(), trash.c_str()) == 0) {
      janitor_.RemoveTree(layers_fd(), std::move(trash));
    } else if (errno != ENOENT) {
      return UnexpectedErrno("set a lost layer aside");
    }
    LOAM_TRY(db_->Forget(id));
  }
  return {};
}

Result<> LayerStoreImpl::RemoveLeftovers() {
  std::set<std::string> known(std::begin(kEmptyDirs), std::end(kEmptyDirs));
  known.insert(kWork);
  known.insert(kProbeAnswer);
  for (const LayerInfo& row : LOAM_TRY(db_->All())) {
    if (row.unpacked) {
      known.insert(DirName(row.id));
    }
  }
  const auto discard = [this](const std::string& name) -> Result<> {
    std::string trash = fmt::format("{}-{:x}", kTrash, LOAM_TRY(RandomId()));
    if (::renameat(layers_fd(), name.c_str(), layers_fd(), trash.c_str()) != 0) {
      return UnexpectedErrno(fmt::format("rename `{}`", name));
    }
    janitor_.RemoveTree(layers_fd(), std::move(trash));
    return {};
  };
  for (const DirEntry& entry : LOAM_TRY(ReadDir(layers_fd()))) {
    if (entry.name.starts_with(kTrash)) {
      janitor_.RemoveTree(layers_fd(), entry.name);
    } else if (known.count(entry.name) == 0) {
      LOAM_TRY(discard(entry.name));
    }
  }
  const UniqueFd work = LOAM_TRY(OpenFileAt(layers_fd(), kWork, O_RDONLY | O_DIRECTORY));
  for (const DirEntry& entry : LOAM_TRY(ReadDir(work.get()))) {
    LOAM_TRY(discard(fmt::format("{}/{}", kWork, entry.name)));
  }
  return {};
}

// --- directories and leases ---

Result<LayerId> LayerStoreImpl::NewId() {
  return LayerId(LOAM_TRY(RandomId()));
}

Result<LayerId> LayerStoreImpl::NewDirectory() {
  while (true) {
    const LayerId id(LOAM_TRY(RandomId()));
    if (::mkdirat(layers_fd(), DirName(id).c_str(), 0700) != 0) {
      if (errno == EEXIST) {
        continue;
      }
      return UnexpectedErrno("make layer directory");
    }
    const std::string fs = FsName(id);
    // chmod: mkdir is subject to the umask.
    if (::mkdirat(layers_fd(), fs.c_str(), 0755) != 0 || ::fchmodat(layers_fd(), fs.c_str(), 0755, 0) != 0) {
      auto error = UnexpectedErrno("make layer directory");
      DropDirectory(id);
      return error;
    }
    return id;
  }
}

void LayerStoreImpl::DropDirectory(LayerId id) {
  // What cannot be removed now is a leftover, removed at a later start.
  (void)RemoveTreeAt(layers_fd(), DirName(id));
}

Result<LayerRef> LayerStoreImpl::Publish(LayerId id) {
  // Row and lease appear as one: a collection in between would take the layer away.
  const std::lock_guard lock(mutex_);
  if (auto inserted = db_->Insert(id, true, Digest(), ""); !inserted) {
    DropDirectory(id);
    return tl::unexpected(std::move(inserted).error());
  }
  auto lease = std::make_shared<LeaseImpl>(id, true);
  leases_[id] = lease;
  return LayerRef(std::move(lease));
}

Result<LayerRef> LayerStoreImpl::Lease(LayerId id) {
  const std::lock_guard lock(mutex_);
  auto& slot = leases_[id];
  if (auto lease = slot.lock()) {
    return LayerRef(std::move(lease));
  }
  const auto row = LOAM_TRY(db_->Find(id));
  if (!row) {
    leases_.erase(id);
    return Unexpected(ErrorCode::kNotFound, fmt::format("layer {} does not exist", id.value()));
  }
  auto lease = std::make_shared<LeaseImpl>(id, row->unpacked);
  slot = lease;
  return LayerRef(std::move(lease));
}

std::set<LayerId> LayerStoreImpl::Leased() {
  const std::lock_guard lock(mutex_);
  // Copies of directories that nobody has any more.
  std::erase_if(materialized_, [](const auto& entry) { return entry.first.expired(); });
  std::set<LayerId> ids;
  for (const auto& [id, lease] : leases_) {
    if (!lease.expired()) {
      ids.insert(id);
    }
  }
  return ids;
}

Result<FsRef> LayerStoreImpl::Load(std::string_view text) {
  return Load(LOAM_TRY(ParseLayerIds(text)));
}

Result<FsRef> LayerStoreImpl::Load(std::span<const LayerId> ids) {
  std::vector<LayerRef> layers;
  layers.reserve(ids.size());
  for (const LayerId id : ids) {
    layers.push_back(LOAM_TRY(Lease(id)));
  }
  return FsRef(std::move(layers));
}

// --- facts ---

Result<> LayerStoreImpl::RecordBlob(LayerId id, const Digest& diff_id, const content::Descriptor& blob) {
  if (!diff_id.empty()) {
    LOAM_TRY(db_->SetDiffId(id, diff_id));
  }
  return db_->AddBlob(id, blob);
}

Result<LayerInfo> LayerStoreImpl::Info(LayerId id) {
  auto row = LOAM_TRY(db_->Find(id));
  if (!row) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("layer {} does not exist", id.value()));
  }
  return std::move(*row);
}

Result<> LayerStoreImpl::Describe(const FsRef& ref, const std::string& description) {
  return ref.layers().empty() ? Result<>() : db_->SetDescription(ref.layers().back()->id(), description);
}

Result<Digest> LayerStoreImpl::DiffId(LayerId id) {
  return LOAM_TRY(Info(id)).diff_id;
}

namespace {

Result<> AddUsage(int dir, std::set<std::pair<dev_t, ino_t>>* seen, DiskUsage* usage) {
  for (const DirEntry& entry : LOAM_TRY(ReadDir(dir))) {
    struct stat info {};
    if (::fstatat(dir, entry.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return UnexpectedErrno(fmt::format("stat `{}`", entry.name));
    }
    ++usage->files;
    if (S_ISDIR(info.st_mode) || info.st_nlink == 1 || seen->emplace(info.st_dev, info.st_ino).second) {
      usage->bytes += static_cast<std::int64_t>(info.st_blocks) * 512;
    }
    if (S_ISDIR(info.st_mode)) {
      const UniqueFd below = LOAM_TRY(OpenFileAt(dir, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      LOAM_TRY(AddUsage(below.get(), seen, usage));
    }
  }
  return {};
}

}  // namespace

Result<DiskUsage> LayerStoreImpl::Usage(LayerId id) {
  const LayerInfo info = LOAM_TRY(Info(id));
  if (!info.unpacked) {
    return DiskUsage{};
  }
  if (info.bytes) {
    return DiskUsage{*info.bytes, info.files.value_or(0)};
  }
  DiskUsage usage;
  std::set<std::pair<dev_t, ino_t>> seen;
  const UniqueFd fd = LOAM_TRY(OpenFileAt(layers_fd(), FsName(id), O_RDONLY | O_DIRECTORY));
  LOAM_TRY(AddUsage(fd.get(), &seen, &usage));
  LOAM_TRY(db_->SetUsage(id, usage));
  return usage;
}

Result<std::vector<LayerInfo>> LayerStoreImpl::Collect(std::span<const LayerId> keep, std::stop_token stop) {
  const std::set<LayerId> kept(keep.begin(), keep.end());
  std::vector<LayerInfo> removed;
  {
    // Neither is an image layer found by its diffID and then gone.
    const std::lock_guard add_lock(add_mutex_);
    // Under the lock no lease can be taken on a layer that is about to go.
    const std::lock_guard lock(mutex_);
    std::erase_if(materialized_, [](const auto& entry) { return entry.first.expired(); });
    std::vector<LayerId> ids;
    for (LayerInfo& row : LOAM_TRY(db_->All())) {
      const auto lease = leases_.find(row.id);
      const bool leased = lease != leases_.end() && !lease->second.expired();
      if (!leased && kept.count(row.id) == 0) {
        ids.push_back(row.id);
        removed.push_back(std::move(row));
      }
    }
    for (LayerInfo& row : removed) {
      if (row.unpacked && !row.bytes) {
        if (const auto usage = Usage(row.id)) {
          row.bytes = usage->bytes;
          row.files = usage->files;
        }
      }
    }
    LOAM_TRY(db_->Remove(ids));
    std::erase_if(leases_, [](const auto& entry) { return entry.second.expired(); });
  }
  for (const LayerInfo& row : removed) {
    if (stop.stop_requested()) {
      janitor_.RemoveTree(layers_fd(), DirName(row.id));
      continue;
    }
    if (auto gone = RemoveTreeAt(layers_fd(), DirName(row.id), stop); !gone) {
      if (!gone.error().Is(ErrorCode::kCanceled)) {
        return tl::unexpected(std::move(gone).error());
      }
      janitor_.RemoveTree(layers_fd(), DirName(row.id));
    }
  }
  return removed;
}

Result<UniqueFd> LayerStoreImpl::OpenLayer(LayerId id) {
  return OpenFileAt(layers_fd(), FsName(id), O_PATH | O_DIRECTORY);
}

}  // namespace loam::snapshot
