#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/pattern_matcher.h"
#include "base/rooted_fs.h"
#include "runtime-executor/snapshot/layer_tar.h"
#include "runtime-executor/snapshot/native.h"
#include "runtime-executor/snapshot/tar_format.h"

namespace loam::snapshot {
namespace {

constexpr std::size_t kCopyBuffer = 256 << 10;

bool IsWhiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == 0;
}

class Applier {
 public:
  Applier(int root_fd, const ApplyOptions& options, std::set<std::string>* implied)
      : root_fd_(root_fd), options_(options), implied_(*implied), buffer_(kCopyBuffer) {}

  Result<> Apply(const TarEntry& entry, TarReader& reader) {
    // ".." cannot leave the root lexically; links on the way are confined by openat2.
    const std::string path = CleanRootedPath(entry.path).substr(1);
    if (path.empty()) {
      if (entry.type == '5') {
        LOAM_TRY(SetDirectory("", entry));
      }
      return {};
    }
    const auto slash = path.rfind('/');
    const std::string dir = slash == std::string::npos ? "" : path.substr(0, slash);
    const std::string name = path.substr(slash + 1);
    const int parent = LOAM_TRY(Parent(dir));
    if (name == kOpaqueMarker) {
      return MakeOpaque(parent, dir);
    }
    if (name.starts_with(kWhiteoutMetaPrefix)) {
      return {};  // bookkeeping of aufs
    }
    if (name.starts_with(kWhiteoutPrefix)) {
      return Whiteout(parent, name.substr(kWhiteoutPrefix.size()), path);
    }
    if (!options_.into_layer) {
      made_.insert(path);
    }
    return Create(entry, reader, parent, path, name);
  }

  // Times of directories, which the files in them would have changed.
  Result<> Finish() {
    for (const auto& [path, mtime] : dir_times_) {
      auto fd = OpenInRoot(root_fd_, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (!fd) {
        if (fd.error().sys_errno() == ENOENT || fd.error().sys_errno() == ENOTDIR || fd.error().sys_errno() == ELOOP) {
          continue;  // replaced by a later entry
        }
        return tl::unexpected(std::move(fd).error());
      }
      const timespec times[2] = {mtime, mtime};
      if (::futimens(fd->get(), times) != 0) {
        return UnexpectedErrno(fmt::format("set times of `{}`", path));
      }
    }
    return {};
  }

 private:
  // The opened directory, made if missing. The last one is remembered: entries of one directory follow each other.
  Result<int> Parent(const std::string& dir) {
    if (parent_.valid() && dir == parent_path_) {
      return parent_.get();
    }
    MakeDirOptions make;
    make.on_made = [this](const std::string& made) { implied_.insert(made.substr(1)); };
    parent_ = LOAM_TRY(MakeDirsInRoot(root_fd_, dir.empty() ? "/" : dir, make));
    parent_path_ = dir;
    return parent_.get();
  }

  Result<> MakeOpaque(int parent, const std::string& dir) {
    if (options_.into_layer) {
      if (::fsetxattr(parent, (options_.overlay_prefix + "opaque").c_str(), "y", 1, 0) != 0) {
        return UnexpectedErrno(fmt::format("make `{}` opaque", dir));
      }
      return {};
    }
    for (const DirEntry& entry : LOAM_TRY(ReadDir(parent))) {
      const std::string path = dir.empty() ? entry.name : dir + "/" + entry.name;
      const auto made = made_.lower_bound(path);
      const bool ours = made != made_.end() && (*made == path || made->starts_with(path + "/"));
      if (!ours) {
        LOAM_TRY(RemoveTreeAt(parent, entry.name));
      }
    }
    return {};
  }

  Result<> Whiteout(int parent, const std::string& name, const std::string& marker) {
    if (name.empty() || name == "." || name == "..") {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is no whiteout of anything", marker));
    }
    if (!options_.into_layer) {
      return RemoveTreeAt(parent, name);
    }
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
      // Present in this very layer: only what lies below is hidden.
      if (S_ISDIR(info.st_mode)) {
        const UniqueFd dir = LOAM_TRY(OpenFileAt(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        return MakeOpaque(dir.get(), name);
      }
      return {};
    }
    return MakeWhiteout(parent, name);
  }

  Result<> Create(const TarEntry& entry, TarReader& reader, int parent, const std::string& path,
                  const std::string& name) {
    struct stat old {};
    bool was_whiteout = false;
    if (::fstatat(parent, name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0) {
      if (S_ISDIR(old.st_mode) && entry.type == '5') {
        return SetDirectory(path, entry);
      }
      was_whiteout = options_.into_layer && IsWhiteout(old);
      LOAM_TRY(RemoveTreeAt(parent, name));
    }
    switch (entry.type) {
      case '0':
        return CreateFile(entry, reader, parent, path, name);
      case '5': {
        if (::mkdirat(parent, name.c_str(), 0700) != 0) {
          return UnexpectedErrno(fmt::format("mkdir `{}`", path));
        }
        if (was_whiteout) {
          const UniqueFd dir = LOAM_TRY(OpenFileAt(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
          LOAM_TRY(MakeOpaque(dir.get(), path));
        }
        return SetDirectory(path, entry);
      }
      case '1':
        return CreateHardLink(entry, parent, path, name);
      case '2':
        if (::symlinkat(entry.link.c_str(), parent, name.c_str()) != 0) {
          return UnexpectedErrno(fmt::format("make symlink `{}`", path));
        }
        break;
      case '3':
      case '4':
      case '6': {
        const mode_t type = entry.type == '3' ? S_IFCHR : entry.type == '4' ? S_IFBLK : S_IFIFO;
        const dev_t device = entry.type == '6' ? 0 : makedev(entry.dev_major, entry.dev_minor);
        if (type == S_IFCHR && device == 0) {
          // It would be read back as a whiteout.
          return Unexpected(ErrorCode::kInvalidArgument,
                            fmt::format("`{}` is a character device 0:0, which layers cannot hold", path));
        }
        if (::mknodat(parent, name.c_str(), type | 0600, device) != 0) {
          return UnexpectedErrno(fmt::format("make device `{}`", path));
        }
        break;
      }
      default:
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` has an unknown type", path));
    }
    if (::fchownat(parent, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) {
      return UnexpectedErrno(fmt::format("set owner of `{}`", path));
    }
    if (entry.type != '2' && ::fchmodat(parent, name.c_str(), entry.mode, 0) != 0) {
      return UnexpectedErrno(fmt::format("set mode of `{}`", path));
    }
    LOAM_TRY(SetXattrs(entry, parent, name));
    const timespec times[2] = {entry.mtime, entry.mtime};
    if (::utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
      return UnexpectedErrno(fmt::format("set times of `{}`", path));
    }
    return {};
  }

  Result<> CreateHardLink(const TarEntry& entry, int parent, const std::string& path, const std::string& name) {
    const std::string target = CleanRootedPath(entry.link).substr(1);
    if (target.empty()) {
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is a hard link to nothing", path));
    }
    auto found = OpenParentInRoot(root_fd_, target);
    if (!found || ::linkat(found->parent.get(), found->name.c_str(), parent, name.c_str(), 0) != 0) {
      const int link_errno = found ? errno : found.error().sys_errno();
      if (link_errno == ENOENT) {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("`{}` is a hard link to `{}`, which the archive does not have", path, target));
      }
      return Unexpected(Error::FromErrno(link_errno, fmt::format("link `{}` to `{}`", path, target)));
    }
    return {};
  }

  Result<> CreateFile(const TarEntry& entry, TarReader& reader, int parent, const std::string& path,
                      const std::string& name) {
    const UniqueFd fd = LOAM_TRY(OpenFileAt(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    if (entry.sparse) {
      for (const auto& [offset, size] : entry.pieces) {
        if (::lseek(fd.get(), static_cast<off_t>(offset), SEEK_SET) < 0) {
          return UnexpectedErrno(fmt::format("seek `{}`", path));
        }
        LOAM_TRY(CopyData(reader, size, fd.get(), path));
      }
      if (::ftruncate(fd.get(), static_cast<off_t>(entry.size)) != 0) {
        return UnexpectedErrno(fmt::format("set size of `{}`", path));
      }
    } else {
      LOAM_TRY(CopyData(reader, entry.size, fd.get(), path));
    }
    if (::fchown(fd.get(), entry.uid, entry.gid) != 0) {
      return UnexpectedErrno(fmt::format("set owner of `{}`", path));
    }
    if (::fchmod(fd.get(), entry.mode) != 0) {
      return UnexpectedErrno(fmt::format("set mode of `{}`", path));
    }
    LOAM_TRY(SetXattrs(entry, parent, name));
    const timespec times[2] = {entry.mtime, entry.mtime};
    if (::futimens(fd.get(), times) != 0) {
      return UnexpectedErrno(fmt::format("set times of `{}`", path));
    }
    return {};
  }

  Result<> CopyData(TarReader& reader, std::uint64_t size, int fd, const std::string& path) {
    while (size > 0) {
      const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(size, buffer_.size()));
      const std::size_t got = LOAM_TRY(reader.Read(std::span<char>(buffer_).first(want)));
      if (got == 0) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("damaged tar archive: `{}` is too short", path));
      }
      LOAM_TRY(WriteAll(fd, std::string_view(buffer_.data(), got), path));
      size -= got;
    }
    return {};
  }

  Result<> SetDirectory(const std::string& path, const TarEntry& entry) {
    const UniqueFd fd = LOAM_TRY(OpenInRoot(root_fd_, path.empty() ? "/" : path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (::fchown(fd.get(), entry.uid, entry.gid) != 0 || ::fchmod(fd.get(), entry.mode) != 0) {
      return UnexpectedErrno(fmt::format("set owner and mode of `{}`", path));
    }
    LOAM_TRY(SetXattrs(entry, fd.get(), ""));
    dir_times_[path] = entry.mtime;
    implied_.erase(path);
    return {};
  }

  Result<> SetXattrs(const TarEntry& entry, int dir, const std::string& name) {
    for (const auto& [key, value] : entry.xattrs) {
      // Nobody but us says which directories are opaque or redirected.
      if (key.starts_with("trusted.overlay.") || key.starts_with("user.overlay.")) {
        continue;
      }
      auto written = WriteXattr(dir, name, key, value);
      if (!written && written.error().sys_errno() != ENOTSUP) {
        return written;
      }
    }
    return {};
  }

  const int root_fd_;
  const ApplyOptions& options_;
  std::set<std::string>& implied_;
  std::vector<char> buffer_;
  UniqueFd parent_;
  std::string parent_path_;
  std::set<std::string> made_;
  std::map<std::string, timespec> dir_times_;
};

}  // namespace

Result<> ApplyTarStream(content::ByteSource& tar, int root_fd, const ApplyOptions& options,
                        std::set<std::string>* implied, std::stop_token stop) {
  TarReader reader(tar);
  Applier applier(root_fd, options, implied);
  TarEntry entry;
  while (LOAM_TRY(reader.Next(&entry))) {
    if (stop.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "canceled");
    }
    if (entry.path.find('\0') != std::string::npos || entry.link.find('\0') != std::string::npos) {
      return Unexpected(ErrorCode::kInvalidArgument, "damaged tar archive: a name contains a zero byte");
    }
    LOAM_TRY_CONTEXT(fmt::format("unpack `{}`", entry.path), applier.Apply(entry, reader));
  }
  LOAM_TRY(applier.Finish());
  return reader.Drain();
}

}  // namespace loam::snapshot
