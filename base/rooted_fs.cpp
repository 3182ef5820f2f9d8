#include "base/rooted_fs.h"

#include <dirent.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/strings.h"

namespace loam {
namespace {

// A kernel that cannot decide whether a concurrent rename moved ".." out of the root answers EAGAIN.
constexpr int kOpenRetries = 1000;
constexpr std::size_t kSmallFile = 64 << 10;

std::string ProcPath(int dir_fd, const std::string& name) {
  std::string path = fmt::format("/proc/self/fd/{}", dir_fd);
  if (!name.empty()) {
    path += '/';
    path += name;
  }
  return path;
}

// Runs a list or get call with a growing buffer; -1 with errno on failure.
template <class Call>
ssize_t WithBuffer(std::string* buffer, const Call& call) {
  buffer->resize(512);
  while (true) {
    const ssize_t size = call(buffer->data(), buffer->size());
    if (size >= 0) {
      buffer->resize(static_cast<std::size_t>(size));
      return size;
    }
    if (errno != ERANGE || buffer->size() > (std::size_t{1} << 20)) {
      return -1;
    }
    buffer->resize(buffer->size() * 8);
  }
}

}  // namespace

Result<UniqueFd> OpenInRoot(int root_fd, std::string_view path, int flags, mode_t mode) {
  std::string text(path);
  if (text.empty()) {
    text = "/";
  }
  if (text.find('\0') != std::string::npos) {
    return Unexpected(ErrorCode::kInvalidArgument, "path contains a zero byte");
  }
  open_how how{};
  how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
  how.mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? mode & 07777U : 0;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    const long fd = ::syscall(SYS_openat2, root_fd, text.c_str(), &how, sizeof(how));
    if (fd >= 0) {
      return UniqueFd(static_cast<int>(fd));
    }
    if ((errno != EAGAIN && errno != EINTR) || attempt >= kOpenRetries) {
      return UnexpectedErrno(fmt::format("open `{}`", path));
    }
  }
}

Result<ParentAndName> OpenParentInRoot(int root_fd, std::string_view path) {
  while (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  const auto slash = path.rfind('/');
  std::string name(slash == std::string_view::npos ? path : path.substr(slash + 1));
  const std::string_view parent = slash == std::string_view::npos ? std::string_view("/") : path.substr(0, slash + 1);
  if (name == "." || name == "..") {
    // Only the kernel knows what ".." means after symlinks.
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("path `{}` does not end in a name", path));
  }
  return ParentAndName{LOAM_TRY(OpenInRoot(root_fd, parent, O_PATH | O_DIRECTORY)), std::move(name)};
}

Result<UniqueFd> MakeDirsInRoot(int root_fd, std::string_view path, const MakeDirOptions& options) {
  auto existing = OpenInRoot(root_fd, path, O_RDONLY | O_DIRECTORY);
  if (existing || existing.error().sys_errno() != ENOENT) {
    return existing;
  }
  std::string done;
  UniqueFd current = LOAM_TRY(OpenInRoot(root_fd, "/", O_RDONLY | O_DIRECTORY));
  for (const std::string_view part : Split(path, '/')) {
    if (part.empty()) {
      continue;
    }
    done += '/';
    done += part;
    // From the root each time: a symlink on the way may lead anywhere in it.
    auto next = OpenInRoot(root_fd, done, O_RDONLY | O_DIRECTORY);
    if (!next && next.error().sys_errno() == ENOENT) {
      const std::string name(part);
      if (::mkdirat(current.get(), name.c_str(), options.mode & 0777U) != 0) {
        const int mkdir_errno = errno;
        if (mkdir_errno != EEXIST) {
          return Unexpected(Error::FromErrno(mkdir_errno, fmt::format("mkdir `{}`", done)));
        }
        // Made by someone else meanwhile, or a symlink that leads nowhere.
        current = LOAM_TRY(OpenInRoot(root_fd, done, O_RDONLY | O_DIRECTORY));
        continue;
      }
      UniqueFd made = LOAM_TRY(OpenFileAt(current.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      if (::fchown(made.get(), options.uid, options.gid) != 0 || ::fchmod(made.get(), options.mode & 07777U) != 0) {
        return UnexpectedErrno(fmt::format("set owner and mode of `{}`", done));
      }
      if (options.mtime) {
        const timespec times[2] = {*options.mtime, *options.mtime};
        if (::futimens(made.get(), times) != 0) {
          return UnexpectedErrno(fmt::format("set time of `{}`", done));
        }
      }
      if (options.on_made) {
        options.on_made(done);
      }
      current = std::move(made);
      continue;
    }
    current = LOAM_TRY(std::move(next));
  }
  return current;
}

Result<std::optional<struct stat>> LstatInRoot(int root_fd, std::string_view path) {
  auto fd = OpenInRoot(root_fd, path, O_PATH | O_NOFOLLOW);
  if (!fd) {
    if (fd.error().sys_errno() == ENOENT || fd.error().sys_errno() == ENOTDIR) {
      return std::nullopt;
    }
    return tl::unexpected(std::move(fd).error());
  }
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) {
    return UnexpectedErrno(fmt::format("stat `{}`", path));
  }
  return info;
}

Result<std::string> ReadLinkAt(int dir_fd, const std::string& name) {
  std::string target(256, '\0');
  while (true) {
    const ssize_t size = ::readlinkat(dir_fd, name.c_str(), target.data(), target.size());
    if (size < 0) {
      return UnexpectedErrno(fmt::format("read link `{}`", name));
    }
    if (static_cast<std::size_t>(size) < target.size()) {
      target.resize(static_cast<std::size_t>(size));
      return target;
    }
    target.resize(target.size() * 2);
  }
}

Result<std::string> ReadFileInRoot(int root_fd, std::string_view path, std::size_t limit) {
  const UniqueFd fd = LOAM_TRY(OpenInRoot(root_fd, path, O_RDONLY | O_NONBLOCK));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) {
    return UnexpectedErrno(fmt::format("stat `{}`", path));
  }
  if (!S_ISREG(info.st_mode)) {
    return Unexpected(Error::FromErrno(S_ISDIR(info.st_mode) ? EISDIR : EINVAL, fmt::format("read `{}`", path)));
  }
  if (static_cast<std::uint64_t>(info.st_size) > limit) {
    return Unexpected(ErrorCode::kResourceExhausted,
                      fmt::format("`{}` is larger than {} bytes", path, static_cast<std::uint64_t>(limit)));
  }
  return ReadAll(fd.get(), path);
}

Result<std::vector<DirEntry>> ReadDir(int dir_fd) {
  // A descriptor of its own: the position of the caller's is not touched, and O_PATH will do.
  const UniqueFd fd = LOAM_TRY(OpenFileAt(dir_fd, ".", O_RDONLY | O_DIRECTORY));
  std::vector<DirEntry> entries;
  constexpr std::size_t kBufferSize = 32 << 10;
  const auto buffer = std::make_unique<char[]>(kBufferSize);
  while (true) {
    const long size = ::syscall(SYS_getdents64, fd.get(), buffer.get(), kBufferSize);
    if (size < 0) {
      return UnexpectedErrno("read directory");
    }
    if (size == 0) {
      return entries;
    }
    for (long at = 0; at < size;) {
      dirent64 entry{};
      std::memcpy(&entry, buffer.get() + at, offsetof(dirent64, d_name));
      const char* name = buffer.get() + at + offsetof(dirent64, d_name);
      if (std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0) {
        entries.push_back({name, entry.d_type});
      }
      at += entry.d_reclen;
    }
  }
}

Result<> CopyFileContents(int from, int to) {
  struct stat info {};
  if (::fstat(from, &info) != 0) {
    return UnexpectedErrno("stat source file");
  }
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size == 0) {
    return {};
  }
  if (size <= kSmallFile) {
    std::array<char, kSmallFile> buffer;
    std::size_t have = 0;
    while (have < size) {
      const ssize_t got = ::pread(from, buffer.data() + have, size - have, static_cast<off_t>(have));
      if (got < 0 && errno == EINTR) {
        continue;
      }
      if (got < 0) {
        return UnexpectedErrno("read source file");
      }
      if (got == 0) {
        break;
      }
      have += static_cast<std::size_t>(got);
    }
    return WriteAll(to, std::string_view(buffer.data(), have), "copy");
  }
  if (::ioctl(to, FICLONE, from) == 0) {
    return {};
  }
  if (static_cast<std::uint64_t>(info.st_blocks) * 512 >= size) {
    return CopyRange(from, 0, to, 0, size, "copy");
  }
  off_t data = 0;
  while (static_cast<std::uint64_t>(data) < size) {
    data = ::lseek(from, data, SEEK_DATA);
    if (data < 0) {
      if (errno == ENXIO) {
        break;
      }
      return UnexpectedErrno("find data of sparse file");
    }
    const off_t hole = ::lseek(from, data, SEEK_HOLE);
    if (hole < 0) {
      return UnexpectedErrno("find hole of sparse file");
    }
    LOAM_TRY(CopyRange(from, static_cast<std::uint64_t>(data), to, static_cast<std::uint64_t>(data),
                       static_cast<std::uint64_t>(hole - data), "copy"));
    data = hole;
  }
  if (::ftruncate(to, info.st_size) != 0) {
    return UnexpectedErrno("set size of copy");
  }
  return {};
}

Result<Xattrs> ReadXattrs(int dir_fd, const std::string& name) {
  const std::string path = ProcPath(dir_fd, name);
  // The magic link of a descriptor is followed, a name in a directory is not.
  const bool follow = name.empty();
  std::string names;
  const ssize_t listed = WithBuffer(&names, [&](char* data, std::size_t size) {
    return follow ? ::listxattr(path.c_str(), data, size) : ::llistxattr(path.c_str(), data, size);
  });
  Xattrs xattrs;
  if (listed < 0) {
    if (errno == ENOTSUP) {
      return xattrs;
    }
    return UnexpectedErrno(fmt::format("list xattrs of `{}`", name));
  }
  std::string_view rest = names;
  while (!rest.empty()) {
    const std::string key(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(std::min(rest.size(), key.size() + 1));
    std::string value;
    const ssize_t got = WithBuffer(&value, [&](char* data, std::size_t size) {
      return follow ? ::getxattr(path.c_str(), key.c_str(), data, size)
                    : ::lgetxattr(path.c_str(), key.c_str(), data, size);
    });
    if (got >= 0) {
      xattrs.emplace(key, std::move(value));
    } else if (errno != ENODATA && errno != EPERM && errno != EACCES && errno != ENOTSUP) {
      return UnexpectedErrno(fmt::format("read xattr {} of `{}`", key, name));
    }
  }
  return xattrs;
}

Result<> WriteXattr(int dir_fd, const std::string& name, const std::string& key, std::string_view value) {
  const std::string path = ProcPath(dir_fd, name);
  const int status = name.empty() ? ::setxattr(path.c_str(), key.c_str(), value.data(), value.size(), 0)
                                  : ::lsetxattr(path.c_str(), key.c_str(), value.data(), value.size(), 0);
  if (status != 0) {
    return UnexpectedErrno(fmt::format("set xattr {} of `{}`", key, name));
  }
  return {};
}

std::optional<std::string> HardLinks::FindOrAdd(const struct stat& source, const std::string& path) {
  const auto [it, added] = paths_.try_emplace({source.st_dev, source.st_ino}, path);
  return added ? std::nullopt : std::optional(it->second);
}

namespace {

Result<> CopyXattrs(int from_dir, const std::string& from_name, int to_dir, const std::string& to_name,
                    const CopyOptions& options) {
  for (const auto& [key, value] : LOAM_TRY(ReadXattrs(from_dir, from_name))) {
    if (options.keep_xattr && !options.keep_xattr(key)) {
      continue;
    }
    auto written = WriteXattr(to_dir, to_name, key, value);
    // What the target file system has no place for cannot be kept.
    if (!written && written.error().sys_errno() != ENOTSUP) {
      return written;
    }
  }
  return {};
}

Result<> SetTimes(int dir, const char* name, int flags, const struct stat& info, const CopyOptions& options) {
  if (!options.mtime && !options.keep_times) {
    return {};
  }
  const timespec times[2] = {options.mtime ? *options.mtime : info.st_atim,
                             options.mtime ? *options.mtime : info.st_mtim};
  const int status = name == nullptr ? ::futimens(dir, times) : ::utimensat(dir, name, times, flags);
  if (status != 0) {
    return UnexpectedErrno("set times of copy");
  }
  return {};
}

}  // namespace

Result<> CopyMetadata(int from_fd, const struct stat& info, int to_fd, const CopyOptions& options) {
  const auto [uid, gid] = options.owner.value_or(std::pair(info.st_uid, info.st_gid));
  if (::fchown(to_fd, uid, gid) != 0) {
    return UnexpectedErrno("set owner of copy");
  }
  // After chown, which clears the setuid and setgid bits.
  if (::fchmod(to_fd, info.st_mode & 07777U) != 0) {
    return UnexpectedErrno("set mode of copy");
  }
  LOAM_TRY(CopyXattrs(from_fd, "", to_fd, "", options));
  return SetTimes(to_fd, nullptr, 0, info, options);
}

Result<> CopyNodeAt(int from_dir, const std::string& from_name, const struct stat& info, int to_dir,
                    const std::string& to_name, const CopyOptions& options) {
  const auto [uid, gid] = options.owner.value_or(std::pair(info.st_uid, info.st_gid));
  switch (info.st_mode & S_IFMT) {
    case S_IFREG: {
      const UniqueFd from = LOAM_TRY(OpenFileAt(from_dir, from_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
      const UniqueFd to = LOAM_TRY(OpenFileAt(to_dir, to_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
      LOAM_TRY_CONTEXT(fmt::format("copy `{}`", from_name), CopyFileContents(from.get(), to.get()));
      return CopyMetadata(from.get(), info, to.get(), options);
    }
    case S_IFLNK: {
      const std::string target = LOAM_TRY(ReadLinkAt(from_dir, from_name));
      if (::symlinkat(target.c_str(), to_dir, to_name.c_str()) != 0) {
        return UnexpectedErrno(fmt::format("make symlink `{}`", to_name));
      }
      break;
    }
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
      if (::mknodat(to_dir, to_name.c_str(), info.st_mode, info.st_rdev) != 0) {
        return UnexpectedErrno(fmt::format("make special file `{}`", to_name));
      }
      break;
    case S_IFSOCK:
      return {};
    default:
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("`{}` is not a file that can be copied", from_name));
  }
  if (::fchownat(to_dir, to_name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return UnexpectedErrno(fmt::format("set owner of `{}`", to_name));
  }
  if (!S_ISLNK(info.st_mode) && ::fchmodat(to_dir, to_name.c_str(), info.st_mode & 07777U, 0) != 0) {
    return UnexpectedErrno(fmt::format("set mode of `{}`", to_name));
  }
  LOAM_TRY(CopyXattrs(from_dir, from_name, to_dir, to_name, options));
  return SetTimes(to_dir, to_name.c_str(), AT_SYMLINK_NOFOLLOW, info, options);
}

namespace {

struct TreeCopy {
  const CopyOptions& options;
  const std::function<bool(const std::string&, const struct stat&)>& filter;
  int to_root;
  HardLinks links;

  Result<> CopyInto(int from_dir, int to_dir, const std::string& prefix) {
    for (const DirEntry& entry : LOAM_TRY(ReadDir(from_dir))) {
      struct stat info {};
      if (::fstatat(from_dir, entry.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) {
          continue;  // gone meanwhile, or a whiteout that overlayfs lists and does not find
        }
        return UnexpectedErrno(fmt::format("stat `{}{}`", prefix, entry.name));
      }
      const std::string path = prefix + entry.name;
      if (filter && !filter(path, info)) {
        continue;
      }
      LOAM_TRY(CopyEntry(from_dir, entry.name, info, to_dir, path));
    }
    return {};
  }

  Result<> CopyEntry(int from_dir, const std::string& name, const struct stat& info, int to_dir,
                     const std::string& path) {
    struct stat old {};
    const bool exists = ::fstatat(to_dir, name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (exists && !(S_ISDIR(info.st_mode) && S_ISDIR(old.st_mode))) {
      LOAM_TRY(RemoveTreeAt(to_dir, name));
    }
    if (S_ISDIR(info.st_mode)) {
      if (::mkdirat(to_dir, name.c_str(), 0700) != 0 && errno != EEXIST) {
        return UnexpectedErrno(fmt::format("mkdir `{}`", path));
      }
      const UniqueFd from = LOAM_TRY(OpenFileAt(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      const UniqueFd to = LOAM_TRY(OpenFileAt(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      LOAM_TRY(CopyInto(from.get(), to.get(), path + "/"));
      return CopyMetadata(from.get(), info, to.get(), options);
    }
    if (info.st_nlink > 1) {
      if (const auto first = links.FindOrAdd(info, path)) {
        if (::linkat(to_root, first->c_str(), to_dir, name.c_str(), 0) != 0) {
          return UnexpectedErrno(fmt::format("link `{}` to `{}`", path, *first));
        }
        return {};
      }
    }
    return CopyNodeAt(from_dir, name, info, to_dir, name, options);
  }
};

}  // namespace

Result<> CopyTree(int from_dir, int to_dir, const CopyOptions& options,
                  const std::function<bool(const std::string&, const struct stat&)>& filter) {
  TreeCopy copy{options, filter, to_dir, {}};
  return copy.CopyInto(from_dir, to_dir, "");
}

}  // namespace loam
