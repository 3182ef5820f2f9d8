#include "runtime-executor/snapshot/native.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "runtime-executor/snapshot/tree_walk.h"

namespace loam::snapshot {
namespace {

Result<struct stat> StatAt(int dir, const std::string& name) {
  struct stat info {};
  if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return UnexpectedErrno(fmt::format("stat `{}`", name));
  }
  return info;
}

Result<struct stat> StatFd(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    return UnexpectedErrno("stat directory");
  }
  return info;
}

Result<UniqueFd> OpenDir(int dir, const std::string& name) {
  return OpenFileAt(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

Result<bool> HasOpaque(int fd, const std::string& overlay_prefix) {
  char value[2] = {};
  const ssize_t size = ::fgetxattr(fd, (overlay_prefix + "opaque").c_str(), value, sizeof(value));
  if (size < 0 && errno != ENODATA && errno != ENOTSUP) {
    return UnexpectedErrno("read overlayfs xattr");
  }
  return size == 1 && value[0] == 'y';
}

CopyOptions KeepAllBut(const std::string& overlay_prefix) {
  CopyOptions options;
  options.keep_xattr = [prefix = overlay_prefix](std::string_view key) { return !key.starts_with(prefix); };
  return options;
}

Result<std::vector<DirEntry>> SortedNames(int dir) {
  auto names = LOAM_TRY(ReadDir(dir));
  std::sort(names.begin(), names.end(), [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
  return names;
}

class Overlayer {
 public:
  Overlayer(int to_root, const std::string& prefix) : to_root_(to_root), prefix_(prefix), copy_(KeepAllBut(prefix)) {}

  Result<> Directory(int from, int to, const std::string& path) {
    for (const DirEntry& entry : LOAM_TRY(SortedNames(from))) {
      LOAM_TRY(Node(from, to, entry.name, path.empty() ? entry.name : path + "/" + entry.name));
    }
    return CopyMetadata(from, LOAM_TRY(StatFd(from)), to, copy_);
  }

 private:
  Result<> Node(int from, int to, const std::string& name, const std::string& path) {
    const struct stat info = LOAM_TRY(StatAt(from, name));
    struct stat old {};
    const bool exists = ::fstatat(to, name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (S_ISDIR(info.st_mode)) {
      const UniqueFd layer_dir = LOAM_TRY(OpenDir(from, name));
      if (exists && (!S_ISDIR(old.st_mode) || LOAM_TRY(HasOpaque(layer_dir.get(), prefix_)))) {
        LOAM_TRY(RemoveTreeAt(to, name));
      }
      if (::mkdirat(to, name.c_str(), 0700) != 0 && errno != EEXIST) {
        return UnexpectedErrno(fmt::format("mkdir `{}`", path));
      }
      const UniqueFd to_dir = LOAM_TRY(OpenDir(to, name));
      return Directory(layer_dir.get(), to_dir.get(), path);
    }
    if (exists) {
      LOAM_TRY(RemoveTreeAt(to, name));
    }
    if (S_ISCHR(info.st_mode) && info.st_rdev == 0) {
      return {};
    }
    if (info.st_nlink > 1) {
      if (const auto first = links_.FindOrAdd(info, path)) {
        if (::linkat(to_root_, first->c_str(), to, name.c_str(), 0) != 0) {
          return UnexpectedErrno(fmt::format("link `{}`", path));
        }
        return {};
      }
    }
    return CopyNodeAt(from, name, info, to, name, copy_);
  }

  const int to_root_;
  const std::string& prefix_;
  const CopyOptions copy_;
  HardLinks links_;
};

// A directory of a layer that is only made when something in it must be said.
struct LayerDir {
  LayerDir* parent = nullptr;
  std::string name;
  int source_fd = -1;
  int fd = -1;
  UniqueFd owned = {};

  Result<int> Make() {
    if (fd >= 0) {
      return fd;
    }
    const int above = LOAM_TRY(parent->Make());
    if (::mkdirat(above, name.c_str(), 0700) != 0) {
      return UnexpectedErrno(fmt::format("mkdir `{}`", name));
    }
    owned = LOAM_TRY(OpenDir(above, name));
    fd = owned.get();
    return fd;
  }
};

bool SameTime(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

Result<> MakeWhiteout(int dir, const std::string& name) {
  if (::mknodat(dir, name.c_str(), S_IFCHR, 0) == 0) {
    return {};
  }
  const bool refused = errno == EPERM;
  auto failed = UnexpectedErrno(fmt::format("make whiteout `{}`", name));
  return refused
             ? tl::unexpected(std::move(failed.value())
                                  .WithHint("an overlay filesystem, such as the one that containers have, cannot "
                                            "keep deletions: put the state (--root, LOAM_ROOT) on a volume or tmpfs"))
             : failed;
}

Result<> OverlayOnto(int layer_fd, int to_fd, const std::string& overlay_prefix) {
  Overlayer overlayer(to_fd, overlay_prefix);
  return overlayer.Directory(layer_fd, to_fd, "");
}

Result<NativeManifest> MakeManifest(int root_fd) {
  NativeManifest manifest;
  for (TreeEntry& entry : LOAM_TRY(WalkTree(root_fd, "", TreeFilter()))) {
    manifest.nodes.emplace_hint(
        manifest.nodes.end(), std::move(entry.path),
        NativeManifest::Node{entry.dev, entry.ino, entry.mode, entry.uid, entry.gid, entry.ctime});
  }
  return manifest;
}

namespace {

class ChangeMover {
 public:
  ChangeMover(const NativeManifest& manifest, const std::string& prefix)
      : manifest_(manifest), prefix_(prefix), copy_(KeepAllBut(prefix)) {
    for (const auto& [path, node] : manifest.nodes) {
      if (!path.empty()) {
        const auto slash = path.rfind('/');
        children_[slash == std::string::npos ? "" : path.substr(0, slash)].push_back(
            slash == std::string::npos ? path : path.substr(slash + 1));
      }
    }
  }

  bool changed = false;

  Result<> Directory(int dir, const std::string& path, LayerDir& layer) {
    std::set<std::string> present;
    for (const DirEntry& entry : LOAM_TRY(SortedNames(dir))) {
      present.insert(entry.name);
      LOAM_TRY(Node(dir, entry.name, path.empty() ? entry.name : path + "/" + entry.name, layer));
    }
    if (const auto old = children_.find(path); old != children_.end()) {
      for (const std::string& name : old->second) {
        if (present.count(name) == 0) {
          changed = true;
          const int to = LOAM_TRY(layer.Make());
          LOAM_TRY(MakeWhiteout(to, name));
        }
      }
    }
    return {};
  }

 private:
  Result<> Node(int dir, const std::string& name, const std::string& path, LayerDir& layer) {
    const struct stat info = LOAM_TRY(StatAt(dir, name));
    const auto found = manifest_.nodes.find(path);
    const NativeManifest::Node* old = found == manifest_.nodes.end() ? nullptr : &found->second;
    const bool same_inode = old != nullptr && old->ino == info.st_ino && old->dev == info.st_dev &&
                            (old->mode & S_IFMT) == (info.st_mode & S_IFMT);
    if (same_inode && SameTime(old->ctime, info.st_ctim) && !S_ISDIR(info.st_mode)) {
      return {};
    }
    if (!S_ISDIR(info.st_mode) || !same_inode) {
      changed = true;
      const int to = LOAM_TRY(layer.Make());
      if (::renameat(dir, name.c_str(), to, name.c_str()) != 0) {
        return UnexpectedErrno(fmt::format("move `{}`", path));
      }
      if (S_ISDIR(info.st_mode) && old != nullptr && S_ISDIR(old->mode)) {
        const UniqueFd fd = LOAM_TRY(OpenDir(to, name));
        if (::fsetxattr(fd.get(), (prefix_ + "opaque").c_str(), "y", 1, 0) != 0) {
          return UnexpectedErrno(fmt::format("make `{}` opaque", path));
        }
      }
      return {};
    }
    const UniqueFd fd = LOAM_TRY(OpenDir(dir, name));
    LayerDir below{&layer, name, fd.get()};
    if (!SameTime(old->ctime, info.st_ctim)) {
      changed = true;
      LOAM_TRY(below.Make());
    }
    LOAM_TRY(Directory(fd.get(), path, below));
    if (below.fd >= 0) {
      // `info` is from before files were moved out.
      LOAM_TRY(CopyMetadata(fd.get(), info, below.fd, copy_));
    }
    return {};
  }

  const NativeManifest& manifest_;
  const std::string& prefix_;
  const CopyOptions copy_;
  std::map<std::string, std::vector<std::string>> children_;
};

class Differ {
 public:
  Differ(int layer_root, const std::string& prefix) : layer_root_(layer_root), copy_(KeepAllBut(prefix)) {}

  Result<> Directory(int lower, int upper, const std::string& path, LayerDir& layer) {
    std::set<std::string> present;
    for (const DirEntry& entry : LOAM_TRY(SortedNames(upper))) {
      present.insert(entry.name);
      LOAM_TRY(Node(lower, upper, entry.name, path.empty() ? entry.name : path + "/" + entry.name, layer));
    }
    if (lower >= 0) {
      for (const DirEntry& entry : LOAM_TRY(SortedNames(lower))) {
        if (present.count(entry.name) == 0) {
          const int to = LOAM_TRY(layer.Make());
          LOAM_TRY(MakeWhiteout(to, entry.name));
        }
      }
    }
    return {};
  }

 private:
  Result<> Node(int lower, int upper, const std::string& name, const std::string& path, LayerDir& layer) {
    struct stat info {};
    if (::fstatat(upper, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) {
        return {};  // a whiteout of nothing, which overlayfs lists and does not find
      }
      return UnexpectedErrno(fmt::format("stat `{}`", path));
    }
    struct stat old {};
    const bool in_lower = lower >= 0 && ::fstatat(lower, name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (S_ISDIR(info.st_mode)) {
      const UniqueFd upper_dir = LOAM_TRY(OpenDir(upper, name));
      UniqueFd lower_dir;
      if (in_lower && S_ISDIR(old.st_mode)) {
        lower_dir = LOAM_TRY(OpenDir(lower, name));
      }
      LayerDir below{&layer, name, upper_dir.get()};
      if (!lower_dir.valid() || !LOAM_TRY(SameMetadata(lower, old, upper, info, name))) {
        LOAM_TRY(below.Make());
      }
      LOAM_TRY(Directory(lower_dir.valid() ? lower_dir.get() : -1, upper_dir.get(), path, below));
      if (below.fd >= 0) {
        LOAM_TRY(CopyMetadata(upper_dir.get(), info, below.fd, copy_));
      }
      return {};
    }
    if (in_lower && LOAM_TRY(SameFile(lower, old, upper, info, name))) {
      return {};
    }
    const int to = LOAM_TRY(layer.Make());
    if (info.st_nlink > 1) {
      if (const auto first = links_.FindOrAdd(info, path)) {
        if (::linkat(layer_root_, first->c_str(), to, name.c_str(), 0) != 0) {
          return UnexpectedErrno(fmt::format("link `{}`", path));
        }
        return {};
      }
    }
    return CopyNodeAt(upper, name, info, to, name, copy_);
  }

  Result<bool> SameMetadata(int lower, const struct stat& a, int upper, const struct stat& b, const std::string& name) {
    if (a.st_mode != b.st_mode || a.st_uid != b.st_uid || a.st_gid != b.st_gid || a.st_rdev != b.st_rdev) {
      return false;
    }
    return LOAM_TRY(ReadXattrs(lower, name)) == LOAM_TRY(ReadXattrs(upper, name));
  }

  // A different mtime makes a different file, as upstream has it; with equal whole seconds the contents decide.
  Result<bool> SameFile(int lower, const struct stat& a, int upper, const struct stat& b, const std::string& name) {
    if (a.st_ino == b.st_ino && SameTime(a.st_ctim, b.st_ctim) && SameTime(a.st_mtim, b.st_mtim) &&
        a.st_size == b.st_size && a.st_mode == b.st_mode) {
      return true;
    }
    if (a.st_size != b.st_size || !SameTime(a.st_mtim, b.st_mtim) ||
        !LOAM_TRY(SameMetadata(lower, a, upper, b, name))) {
      return false;
    }
    if (S_ISLNK(a.st_mode)) {
      return LOAM_TRY(ReadLinkAt(lower, name)) == LOAM_TRY(ReadLinkAt(upper, name));
    }
    if (!S_ISREG(a.st_mode) || a.st_mtim.tv_nsec != 0) {
      return true;
    }
    const UniqueFd x = LOAM_TRY(OpenFileAt(lower, name, O_RDONLY | O_NOFOLLOW));
    const UniqueFd y = LOAM_TRY(OpenFileAt(upper, name, O_RDONLY | O_NOFOLLOW));
    std::vector<char> left(128 << 10);
    std::vector<char> right(128 << 10);
    for (std::uint64_t at = 0;;) {
      const std::size_t got = LOAM_TRY(ReadAt(x.get(), left, at, name));
      if (got != LOAM_TRY(ReadAt(y.get(), right, at, name)) ||
          !std::equal(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(got), right.begin())) {
        return false;
      }
      if (got == 0) {
        return true;
      }
      at += got;
    }
  }

  const int layer_root_;
  const CopyOptions copy_;
  HardLinks links_;
};

}  // namespace

Result<bool> MoveChanges(int root_fd, const NativeManifest& manifest, int layer_fd, const std::string& overlay_prefix) {
  const struct stat root = LOAM_TRY(StatFd(root_fd));
  ChangeMover mover(manifest, overlay_prefix);
  LayerDir top{nullptr, "", root_fd, layer_fd};
  LOAM_TRY(mover.Directory(root_fd, "", top));
  const auto old = manifest.nodes.find("");
  if (old != manifest.nodes.end() &&
      (old->second.mode != root.st_mode || old->second.uid != root.st_uid || old->second.gid != root.st_gid)) {
    mover.changed = true;
  }
  LOAM_TRY(CopyMetadata(root_fd, root, layer_fd, KeepAllBut(overlay_prefix)));
  return mover.changed;
}

Result<> CopyDifference(int lower_fd, int upper_fd, int layer_fd, const std::string& overlay_prefix) {
  Differ differ(layer_fd, overlay_prefix);
  LayerDir top{nullptr, "", upper_fd, layer_fd};
  LOAM_TRY(differ.Directory(lower_fd, upper_fd, "", top));
  return CopyMetadata(upper_fd, LOAM_TRY(StatFd(upper_fd)), layer_fd, KeepAllBut(overlay_prefix));
}

}  // namespace loam::snapshot
