// Files of the host: whole-file reads and writes, directories, locks. Every error names the operation and the path and
// keeps its errno. Paths are plain host paths; anything inside a root filesystem is resolved elsewhere, by openat2.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loam {

// open(2) / openat(2) with O_CLOEXEC added, repeated on EINTR.
Result<UniqueFd> OpenFile(const std::string& path, int flags, mode_t mode = 0644);
Result<UniqueFd> OpenFileAt(int dir_fd, const std::string& path, int flags, mode_t mode = 0644);

Result<std::string> ReadFile(const std::string& path);
// kNotFound (ENOENT) becomes nullopt.
Result<std::optional<std::string>> ReadFileIfExists(const std::string& path);
// Everything from the current position to the end. `name` is for the error message.
Result<std::string> ReadAll(int fd, std::string_view name);
// Fills `buffer` from `offset` as far as the file goes; the number of bytes read.
Result<std::size_t> ReadAt(int fd, std::span<char> buffer, std::uint64_t offset, std::string_view name);

// Writes everything, whatever it takes; EPIPE is an error like others (SIGPIPE must be ignored by the program).
Result<> WriteAll(int fd, std::string_view data, std::string_view name);
// Writes all pieces in order (writev).
Result<> WriteAll(int fd, std::span<const std::string_view> pieces, std::string_view name);

// Appears under `path` complete or not at all: temporary file in the same directory, then rename. `sync` also makes it
// survive a power cut.
Result<> WriteFileAtomic(const std::string& path, std::string_view data, mode_t mode = 0644, bool sync = false);

// mkdir -p. An existing directory is no error.
Result<> MakeDirs(const std::string& path, mode_t mode = 0755);
// Removes a file or a directory with everything below it, by directory fds: never follows a link, copes with paths of
// any depth. Mount points are not crossed (EXDEV becomes an error). Nothing there is no error.
Result<> RemoveTree(const std::string& path);
Result<> RemoveTreeAt(int dir_fd, const std::string& name);
// The names in a directory, sorted, without "." and "..".
Result<std::vector<std::string>> ListDir(const std::string& path);
Result<std::vector<std::string>> ListDirFd(int dir_fd, std::string_view name);

// Copies `size` bytes between files: reflink, else copy_file_range, else read and write.
Result<> CopyRange(int from_fd, std::uint64_t from_offset, int to_fd, std::uint64_t to_offset, std::uint64_t size,
                   std::string_view name);

// A new directory under `parent` ("" is $TMPDIR or /tmp), removed with its contents by the destructor.
class TempDir {
 public:
  static Result<TempDir> Create(const std::string& parent = "", std::string_view prefix = "loam-");
  ~TempDir();
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&& other) noexcept;

  [[nodiscard]] const std::string& path() const { return path_; }
  // `path()/name`.
  [[nodiscard]] std::string Child(std::string_view name) const;
  // Keeps the directory; the caller now owns it.
  std::string Release() { return std::exchange(path_, {}); }

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// A file that takes its name by Commit, complete, replacing what was there. Until then it has no name (O_TMPFILE) where
// the filesystem can do that, else a temporary one that the destructor removes. `mode` is subject to the umask.
class AtomicFile {
 public:
  static Result<AtomicFile> Create(const std::string& destination, mode_t mode = 0644);
  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept = default;
  AtomicFile& operator=(AtomicFile&&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }
  Result<> Commit(bool sync = false);

 private:
  explicit AtomicFile(std::string destination) : destination_(std::move(destination)) {}
  UniqueFd fd_;
  std::string temporary_;  // "" while the file has no name
  std::string destination_;
};

// flock(2) on a file that is created as needed; released by the destructor and by the kernel when the process dies.
class FileLock {
 public:
  enum class Mode { kShared, kExclusive };

  // Waits for the lock.
  static Result<FileLock> Acquire(const std::string& path, Mode mode);
  // The same on a directory that exists; nothing is made in it.
  static Result<FileLock> AcquireDirectory(const std::string& path, Mode mode = Mode::kExclusive);
  // nullopt when another holder is in the way.
  static Result<std::optional<FileLock>> TryAcquire(const std::string& path, Mode mode);

  // Exclusive to shared (never blocks for long, but is not atomic).
  Result<> Downgrade();
  // Shared to exclusive if no one else holds it; false (and still shared) otherwise.
  Result<bool> TryUpgrade();

 private:
  FileLock(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
};

}  // namespace loam
