// File work below an open directory that stands for "/": no path, symlink or `..` leaves it (openat2 RESOLVE_IN_ROOT).
// Whole-file reads and writes and removal of trees are in base/file_system.h.
// Also the copying of files with everything they have: contents by reflink or copy_file_range, holes, xattrs, times.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loam {

// Opens `path` as if `root_fd` were "/". Absolute and relative paths mean the same. O_CLOEXEC is added. Add O_NOFOLLOW
// to stop at a final symlink (with O_PATH: to open the link itself).
Result<UniqueFd> OpenInRoot(int root_fd, std::string_view path, int flags, mode_t mode = 0);

// The opened parent directory of `path` (symlinks in it followed within the root) and its last element ("" for the
// root).
struct ParentAndName {
  UniqueFd parent;
  std::string name;
};
Result<ParentAndName> OpenParentInRoot(int root_fd, std::string_view path);

struct MakeDirOptions {
  mode_t mode = 0755;
  uid_t uid = 0;
  gid_t gid = 0;
  // Set on every directory that is made.
  std::optional<timespec> mtime;
  // Called with the path of every directory that is made, outermost first.
  std::function<void(const std::string&)> on_made;
};
// mkdir -p; symlinks to directories on the way are followed within the root. Returns the opened directory (O_RDONLY).
// kFailedPrecondition-like errno errors (ENOTDIR) if something else is in the way.
Result<UniqueFd> MakeDirsInRoot(int root_fd, std::string_view path, const MakeDirOptions& options = {});

// lstat of `path` in the root (parents' symlinks followed within the root, the last element not); nullopt: does not
// exist.
Result<std::optional<struct stat>> LstatInRoot(int root_fd, std::string_view path);
// readlink of one name in a directory.
Result<std::string> ReadLinkAt(int dir_fd, const std::string& name);
// The whole file; kResourceExhausted if it has more than `limit` bytes.
Result<std::string> ReadFileInRoot(int root_fd, std::string_view path, std::size_t limit = std::size_t{64} << 20);
// `.` and `..` left out, in the order of the file system. d_type may be DT_UNKNOWN.
struct DirEntry {
  std::string name;
  unsigned char type;
};
Result<std::vector<DirEntry>> ReadDir(int dir_fd);

// Contents of `from` (a regular file, at its start) into the empty file `to`: reflink, else copy_file_range keeping
// holes, else read and write.
Result<> CopyFileContents(int from, int to);

using Xattrs = std::map<std::string, std::string>;
// Of the file an O_PATH or ordinary descriptor refers to, or of `name` in `dir_fd` (not following it). A file system
// without xattrs has none. `name` "" with a descriptor: the descriptor itself.
Result<Xattrs> ReadXattrs(int dir_fd, const std::string& name);
Result<> WriteXattr(int dir_fd, const std::string& name, const std::string& key, std::string_view value);

struct CopyOptions {
  // Replaces the owner; nullopt keeps it.
  std::optional<std::pair<uid_t, gid_t>> owner;
  // False for an xattr that must not be copied; null copies all.
  std::function<bool(std::string_view)> keep_xattr;
  // Set on everything copied instead of the source's mtime.
  std::optional<timespec> mtime;
  bool keep_times = true;
};

// Remembers the copies of files with several hard links, so that a tree copied in several calls keeps its links.
class HardLinks {
 public:
  // The earlier destination path for the source file, or nullopt and `path` is remembered for it.
  std::optional<std::string> FindOrAdd(const struct stat& source, const std::string& path);

 private:
  std::map<std::pair<dev_t, ino_t>, std::string> paths_;
};

// Copies one file that is not a directory (regular, symlink, device, fifo; a socket is left out) to a name that does
// not exist yet. No exchange of hard links: that is the caller's.
Result<> CopyNodeAt(int from_dir, const std::string& from_name, const struct stat& info, int to_dir,
                    const std::string& to_name, const CopyOptions& options);
// Owner, mode, xattrs and times of an opened directory or file onto another.
Result<> CopyMetadata(int from_fd, const struct stat& info, int to_fd, const CopyOptions& options);

// cp -a of the contents of one directory into another (existing directories are merged, existing files replaced),
// hard links kept. `filter` (path relative to `from`) returning false leaves out an entry with everything in it.
Result<> CopyTree(int from_dir, int to_dir, const CopyOptions& options,
                  const std::function<bool(const std::string&, const struct stat&)>& filter = {});

}  // namespace loam
