#include "runtime-executor/ops/file_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "base/task_pool.h"

namespace loam::ops {

namespace {

constexpr mode_t kDefaultDirectoryMode = 0755;
// Regular files are handed out in groups, so that a directory is opened once for many of them.
constexpr std::size_t kGroupSize = 256;
// Up to this size one read and one write beat everything else.
constexpr std::size_t kSmallFile = 128 * 1024;

using snapshot::TreeEntry;

std::string ParentOf(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string() : std::string(path.substr(0, slash));
}
std::string NameOf(std::string_view path) {
  const auto slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

// Go's filepath.Base of a path that CleanKeepingEnd made: "." for a trailing "/.".
std::string BaseOf(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) {
    path.remove_suffix(1);
  }
  return path == "/" ? std::string() : NameOf(path);
}

class Copier {
 public:
  Copier(const SourceTree& source, int dest_root, const FileCopyOptions& options, std::stop_token stop)
      : source_(source), dest_root_(dest_root), options_(options), stop_(std::move(stop)) {}

  Result<> Copy(const std::string& source_path, const std::string& dest_path);

 private:
  struct Item {
    const SourceTree::Entry* entry;
    bool made = false;  // directories: did not exist
  };

  [[nodiscard]] mode_t ModeOf(const TreeEntry& info) const {
    const mode_t mode = info.mode & 07777U;
    if (options_.mode_change) {
      return options_.mode_change->Apply(mode, info.is_dir());
    }
    return options_.mode ? (*options_.mode & 07777U) : mode;
  }
  [[nodiscard]] std::pair<uid_t, gid_t> OwnerOf(const TreeEntry& info) const {
    return options_.owner ? *options_.owner : std::pair<uid_t, gid_t>(info.uid, info.gid);
  }
  void TimesOf(const TreeEntry& info, timespec (&times)[2]) const {
    times[0] = times[1] = options_.time ? *options_.time : info.mtime;
  }

  Result<> CopyDirectory(const std::string& top, const TreeEntry& info, const std::string& dest);
  Result<bool> MakeDirectory(int dest_dir, const std::string& path, bool included);
  Result<> CopyGroup(const std::string& top, int dest_dir, const std::vector<const SourceTree::Entry*>& group);
  // One file that is not a directory.
  Result<> CopyNode(int from_dir, int to_dir, const std::string& from_name, const std::string& to_name,
                    const TreeEntry& info, const std::string& shown);
  Result<> CopyRegular(int from_dir, int to_dir, const std::string& from_name, const std::string& to_name,
                       const TreeEntry& info, const std::string& shown);
  // Makes way for a file.
  Result<> ClearTarget(int to_dir, const std::string& name, const std::string& shown);
  Result<> SetMetadata(int fd, const TreeEntry& info, const std::string& shown);
  void CopyXattrs(int from_fd, int to_fd);
  Result<> FixTimes(const std::vector<std::string>& made);

  const SourceTree& source_;
  const int dest_root_;
  const FileCopyOptions& options_;
  const std::stop_token stop_;
};

Result<> Copier::Copy(const std::string& source_path, const std::string& dest_path) {
  const mode_t parent_mode = options_.mode.value_or(kDefaultDirectoryMode);
  std::vector<std::string> made;
  // "/a/b" needs /a; "/a/" and "/a/." need /a itself.
  const std::string last = NameOf(dest_path);
  const std::string needed = last.empty() || last == "." ? dest_path : ParentOf(dest_path);
  if (!needed.empty()) {
    LOAM_TRY(MakeParents(dest_root_, CleanRootedPath(needed), parent_mode, options_, &made));
  }
  const std::string from = LOAM_TRY(source_.Resolve(source_path, options_.follow_links));
  const auto info = LOAM_TRY(source_.Lstat(from));
  if (!info) {
    return Unexpected(ErrorCode::kNotFound,
                      fmt::format("lstat {}: no such file or directory", CleanRootedPath(source_path)));
  }
  // A link at the destination is followed; what it names is the destination then.
  const SourceTree dest_tree(dest_root_);
  std::string dest = "/" + LOAM_TRY(dest_tree.Resolve(dest_path, true));
  const auto existing = LOAM_TRY(dest_tree.Lstat(CleanRootedPath(dest).substr(1)));
  const bool dest_exists = existing.has_value();
  const bool dest_is_dir = existing && existing->is_dir();
  if (info->is_dir() ? !options_.directory_contents && dest_exists : dest_is_dir) {
    const std::string name = BaseOf(CleanKeepingEnd(source_path));
    dest = CleanRootedPath(dest + "/" + name);
  }
  const std::string target = options_.directory_contents && info->is_dir() && !dest_exists ? dest : ParentOf(dest);
  LOAM_TRY(MakeParents(dest_root_, CleanRootedPath(target), parent_mode, options_, &made));
  if (info->is_dir()) {
    LOAM_TRY(CopyDirectory(from, *info, dest));
  } else {
    auto place = LOAM_TRY(OpenParentInRoot(dest_root_, dest));
    const UniqueFd from_dir = LOAM_TRY(source_.Open(ParentOf(from), O_PATH | O_DIRECTORY));
    LOAM_TRY(CopyNode(from_dir.get(), place.parent.get(), NameOf(from), place.name, *info, dest));
  }
  return FixTimes(made);
}

Result<> Copier::FixTimes(const std::vector<std::string>& made) {
  if (!options_.time) {
    return {};
  }
  const timespec times[2] = {*options_.time, *options_.time};
  for (const std::string& path : made) {
    const UniqueFd dir = LOAM_TRY(OpenInRoot(dest_root_, path, O_PATH | O_DIRECTORY));
    if (utimensat(dir.get(), ".", times, 0) != 0) {
      return UnexpectedErrno("set times of " + path);
    }
  }
  return {};
}

// True if it was made. `path` is relative to `dest_dir`, its parents are directories.
Result<bool> Copier::MakeDirectory(int dest_dir, const std::string& path, bool included) {
  // Nobody else may look into it before its mode is set.
  if (mkdirat(dest_dir, path.c_str(), 0700) == 0) {
    return true;
  }
  if (errno != EEXIST) {
    return UnexpectedErrno("mkdir " + path);
  }
  struct stat info {};
  if (fstatat(dest_dir, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return UnexpectedErrno("stat " + path);
  }
  if (S_ISDIR(info.st_mode)) {
    return false;
  }
  if (!options_.always_replace || !included) {
    return Unexpected(Error::FromErrno(ENOTDIR, "cannot copy to non-directory: " + path));
  }
  if (unlinkat(dest_dir, path.c_str(), 0) != 0 || mkdirat(dest_dir, path.c_str(), 0700) != 0) {
    return UnexpectedErrno("replace " + path);
  }
  return true;
}

Result<> Copier::CopyDirectory(const std::string& top, const TreeEntry& info, const std::string& dest) {
  std::optional<PatternMatcher> include;
  std::optional<PatternMatcher> exclude;
  if (!options_.include_patterns.empty()) {
    include = LOAM_TRY(PatternMatcher::Create(options_.include_patterns));
  }
  if (!options_.exclude_patterns.empty()) {
    exclude = LOAM_TRY(PatternMatcher::Create(options_.exclude_patterns));
  }
  const std::vector<SourceTree::Entry> entries =
      LOAM_TRY(source_.Collect(top, info, include ? &*include : nullptr, exclude ? &*exclude : nullptr));

  // The top: an existing directory keeps its owner and mode.
  bool top_made = false;
  UniqueFd dest_dir;
  if (CleanRootedPath(dest) == "/") {
    dest_dir = LOAM_TRY(OpenInRoot(dest_root_, "/", O_RDONLY | O_DIRECTORY));
  } else {
    auto place = LOAM_TRY(OpenParentInRoot(dest_root_, dest));
    top_made = LOAM_TRY(MakeDirectory(place.parent.get(), place.name, true));
    dest_dir = LOAM_TRY(OpenFileAt(place.parent.get(), place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  }

  // Directories first, in order; then everything else, on all cores; then what writing into them changes of
  // directories.
  std::vector<Item> directories;
  std::map<std::string_view, std::vector<const SourceTree::Entry*>> by_directory;
  std::vector<const SourceTree::Entry*> linked;
  for (const SourceTree::Entry& entry : entries) {
    const TreeEntry& file = entry.info;
    if (file.path.empty()) {
      continue;
    }
    if (file.is_dir()) {
      directories.push_back({&entry, LOAM_TRY(MakeDirectory(dest_dir.get(), file.path, entry.included))});
    } else if (file.is_regular() && file.nlink > 1) {
      linked.push_back(&entry);
    } else {
      const auto slash = file.path.rfind('/');
      by_directory[slash == std::string::npos ? std::string_view() : std::string_view(file.path).substr(0, slash)]
          .push_back(&entry);
    }
  }
  std::vector<std::vector<const SourceTree::Entry*>> groups;
  for (const auto& [directory, files] : by_directory) {
    for (std::size_t i = 0; i < files.size(); i += kGroupSize) {
      const std::size_t end = std::min(i + kGroupSize, files.size());
      groups.emplace_back(files.begin() + static_cast<std::ptrdiff_t>(i),
                          files.begin() + static_cast<std::ptrdiff_t>(end));
    }
  }
  std::mutex mutex;  // guards failure
  std::optional<Error> failure;
  std::atomic<bool> failed{false};
  ParallelFor(groups.size(), [&](std::size_t i) {
    if (failed || stop_.stop_requested()) {
      return;
    }
    if (auto done = CopyGroup(top, dest_dir.get(), groups[i]); !done) {
      const std::lock_guard lock(mutex);
      failed = true;
      if (!failure) {
        failure = done.error();
      }
    }
  });
  if (stop_.stop_requested()) {
    return Unexpected(ErrorCode::kCanceled, "canceled");
  }
  if (failure) {
    return Unexpected(*std::move(failure));
  }

  // Files with several names: the first is copied, the others are linked to the copy.
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> copies;
  for (const SourceTree::Entry* entry : linked) {
    const TreeEntry& file = entry->info;
    const auto [copy, first] = copies.emplace(std::pair(file.dev, file.ino), file.path);
    if (first) {
      LOAM_TRY(CopyGroup(top, dest_dir.get(), {entry}));
      continue;
    }
    LOAM_TRY(ClearTarget(dest_dir.get(), file.path, file.path));
    if (linkat(dest_dir.get(), copy->second.c_str(), dest_dir.get(), file.path.c_str(), 0) != 0) {
      return UnexpectedErrno(fmt::format("link {} to {}", file.path, copy->second));
    }
  }

  auto finish = [&](int fd, const std::string& path, const TreeEntry& file) -> Result<> {
    LOAM_TRY(SetMetadata(fd, file, path));
    const std::string source_path = top.empty() ? path : path.empty() ? top : top + "/" + path;
    if (auto from = source_.Open(source_path, O_RDONLY | O_DIRECTORY)) {
      CopyXattrs(from->get(), fd);
    }
    return {};
  };
  for (auto item = directories.rbegin(); item != directories.rend(); ++item) {
    if (item->made || item->entry->included) {
      const std::string& path = item->entry->info.path;
      const UniqueFd fd = LOAM_TRY(OpenFileAt(dest_dir.get(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      LOAM_TRY(finish(fd.get(), path, item->entry->info));
    }
  }
  if (top_made) {
    return finish(dest_dir.get(), "", info);
  }
  timespec times[2];
  TimesOf(info, times);
  if (futimens(dest_dir.get(), times) != 0) {
    return UnexpectedErrno("set times of " + dest);
  }
  return {};
}

Result<> Copier::CopyGroup(const std::string& top, int dest_dir, const std::vector<const SourceTree::Entry*>& group) {
  const std::string parent = ParentOf(group.front()->info.path);
  const std::string from_path = top.empty() ? parent : parent.empty() ? top : top + "/" + parent;
  const UniqueFd from = LOAM_TRY(source_.Open(from_path, O_PATH | O_DIRECTORY));
  const UniqueFd to = LOAM_TRY(OpenFileAt(dest_dir, parent.empty() ? "." : parent, O_PATH | O_DIRECTORY));
  for (const SourceTree::Entry* entry : group) {
    const std::string name = NameOf(entry->info.path);
    LOAM_TRY(CopyNode(from.get(), to.get(), name, name, entry->info, entry->info.path));
  }
  return {};
}

Result<> Copier::ClearTarget(int to_dir, const std::string& name, const std::string& shown) {
  if (unlinkat(to_dir, name.c_str(), 0) == 0 || errno == ENOENT) {
    return {};
  }
  if (errno != EISDIR) {
    return UnexpectedErrno("replace " + shown);
  }
  if (!options_.always_replace) {
    return Unexpected(Error::FromErrno(EISDIR, fmt::format("cannot replace to directory {} with file", shown)));
  }
  return RemoveTreeAt(to_dir, name);
}

Result<> Copier::SetMetadata(int fd, const TreeEntry& info, const std::string& shown) {
  const auto [uid, gid] = OwnerOf(info);
  timespec times[2];
  TimesOf(info, times);
  if (fchown(fd, uid, gid) != 0 || fchmod(fd, ModeOf(info)) != 0 || futimens(fd, times) != 0) {
    return UnexpectedErrno("set owner, mode and times of " + shown);
  }
  return {};
}

void Copier::CopyXattrs(int from_fd, int to_fd) {
  char names[4096];
  const ssize_t length = flistxattr(from_fd, names, sizeof(names));
  if (length == 0 || (length < 0 && errno != ERANGE)) {
    return;
  }
  // As upstream, an attribute that cannot be set is no reason to fail.
  const auto xattrs = ReadXattrs(from_fd, "");
  if (xattrs) {
    for (const auto& [key, value] : *xattrs) {
      fsetxattr(to_fd, key.c_str(), value.data(), value.size(), 0);
    }
  }
}

Result<> Copier::CopyRegular(int from_dir, int to_dir, const std::string& from_name, const std::string& to_name,
                             const TreeEntry& info, const std::string& shown) {
  const UniqueFd from(openat(from_dir, from_name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!from.valid()) {
    return UnexpectedErrno("open " + shown);
  }
  constexpr int kCreate = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const mode_t mode = ModeOf(info);
  UniqueFd to(openat(to_dir, to_name.c_str(), kCreate, mode & 0777U));
  if (!to.valid() && errno == EEXIST) {
    LOAM_TRY(ClearTarget(to_dir, to_name, shown));
    to = UniqueFd(openat(to_dir, to_name.c_str(), kCreate, mode & 0777U));
  }
  if (!to.valid()) {
    return UnexpectedErrno("create " + shown);
  }
  if (info.size <= kSmallFile) {
    thread_local std::string buffer(kSmallFile + 1, '\0');
    const ssize_t got = read(from.get(), buffer.data(), buffer.size());
    if (got < 0) {
      return UnexpectedErrno("read " + shown);
    }
    if (static_cast<std::size_t>(got) < buffer.size()) {
      LOAM_TRY(WriteAll(to.get(), std::string_view(buffer.data(), static_cast<std::size_t>(got)), shown));
    } else {  // it has grown
      lseek(from.get(), 0, SEEK_SET);
      LOAM_TRY(CopyFileContents(from.get(), to.get()));
    }
  } else {
    LOAM_TRY(CopyFileContents(from.get(), to.get()));
  }
  const auto [uid, gid] = OwnerOf(info);
  if ((uid != 0 || gid != 0) && fchown(to.get(), uid, gid) != 0) {
    return UnexpectedErrno("set the owner of " + shown);
  }
  // The umask may have taken bits away, and chown takes setuid away.
  if (fchmod(to.get(), mode) != 0) {
    return UnexpectedErrno("set the mode of " + shown);
  }
  CopyXattrs(from.get(), to.get());
  timespec times[2];
  TimesOf(info, times);
  if (futimens(to.get(), times) != 0) {
    return UnexpectedErrno("set times of " + shown);
  }
  return {};
}

Result<> Copier::CopyNode(int from_dir, int to_dir, const std::string& from_name, const std::string& to_name,
                          const TreeEntry& info, const std::string& shown) {
  if (info.is_regular()) {
    return CopyRegular(from_dir, to_dir, from_name, to_name, info, shown);
  }
  LOAM_TRY(ClearTarget(to_dir, to_name, shown));
  if (info.is_symlink()) {
    const std::string target = LOAM_TRY(ReadLinkAt(from_dir, from_name));
    if (symlinkat(target.c_str(), to_dir, to_name.c_str()) != 0) {
      return UnexpectedErrno("symlink " + shown);
    }
  } else {
    if (mknodat(to_dir, to_name.c_str(), info.mode & (S_IFMT | 0777U), static_cast<dev_t>(info.rdev)) != 0) {
      return UnexpectedErrno("mknod " + shown);
    }
  }
  const auto [uid, gid] = OwnerOf(info);
  if (fchownat(to_dir, to_name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return UnexpectedErrno("set the owner of " + shown);
  }
  if (!info.is_symlink() && fchmodat(to_dir, to_name.c_str(), ModeOf(info), 0) != 0) {
    return UnexpectedErrno("set the mode of " + shown);
  }
  timespec times[2];
  TimesOf(info, times);
  if (utimensat(to_dir, to_name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return UnexpectedErrno("set times of " + shown);
  }
  return {};
}

}  // namespace

Result<> CopyFiles(const SourceTree& source, const std::string& source_path, int dest_fd, const std::string& dest_path,
                   const FileCopyOptions& options, std::stop_token stop) {
  return Copier(source, dest_fd, options, std::move(stop))
      .Copy(CleanKeepingEnd(source_path), CleanKeepingEnd(dest_path));
}

std::string CleanKeepingEnd(std::string_view path) {
  std::string clean = CleanRootedPath(path);
  if (path.ends_with("/.")) {
    clean += clean == "/" ? "." : "/.";
  } else if (path.ends_with('/') && clean != "/") {
    clean += '/';
  }
  return clean;
}

Result<UniqueFd> MakeParents(int root_fd, const std::string& path, mode_t mode, const FileCopyOptions& options,
                             std::vector<std::string>* made) {
  MakeDirOptions make;
  make.mode = mode;
  if (options.owner) {
    make.uid = options.owner->first;
    make.gid = options.owner->second;
  }
  make.mtime = options.time;
  if (made != nullptr) {
    make.on_made = [made](const std::string& directory) { made->push_back(directory); };
  }
  // A link that leads nowhere on the way is followed too: what it names is made.
  const std::string resolved = "/" + LOAM_TRY(SourceTree(root_fd).Resolve(path, true));
  return MakeDirsInRoot(root_fd, resolved, make);
}

}  // namespace loam::ops
