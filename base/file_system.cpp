#include "base/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/remove_tree.h"

namespace loam {
namespace {

constexpr std::size_t kCopyBufferSize = 1 << 20;
constexpr std::size_t kMaxOpenLevels = 128;

template <class F>
auto RetryOnEintr(F&& call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result == -1 && errno == EINTR);
  return result;
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using UniqueDir = std::unique_ptr<DIR, CloseDir>;

// Takes its own duplicate of the fd, rewound.
Result<UniqueDir> OpenDirStream(int dir_fd, std::string_view name) {
  UniqueFd duplicate(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!duplicate.valid()) {
    return UnexpectedErrno(fmt::format("open directory {}", name));
  }
  UniqueDir dir(::fdopendir(duplicate.get()));
  if (dir == nullptr) {
    return UnexpectedErrno(fmt::format("read directory {}", name));
  }
  static_cast<void>(duplicate.Release());
  return dir;
}

std::string ParentOf(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<UniqueFd> OpenFileAt(int dir_fd, const std::string& path, int flags, mode_t mode) {
  UniqueFd fd(RetryOnEintr([&] { return ::openat(dir_fd, path.c_str(), flags | O_CLOEXEC, mode); }));
  if (!fd.valid()) {
    return UnexpectedErrno(fmt::format("open {}", path));
  }
  return fd;
}

Result<UniqueFd> OpenFile(const std::string& path, int flags, mode_t mode) {
  return OpenFileAt(AT_FDCWD, path, flags, mode);
}

Result<std::string> ReadAll(int fd, std::string_view name) {
  std::string text;
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
    text.reserve(static_cast<std::size_t>(status.st_size) + 1);
  }
  std::size_t used = 0;
  while (true) {
    text.resize(std::max(text.capacity(), used + 4096));
    const ssize_t count = RetryOnEintr([&] { return ::read(fd, text.data() + used, text.size() - used); });
    if (count < 0) {
      return UnexpectedErrno(fmt::format("read {}", name));
    }
    if (count == 0) {
      text.resize(used);
      return text;
    }
    used += static_cast<std::size_t>(count);
  }
}

Result<std::string> ReadFile(const std::string& path) {
  const UniqueFd fd = LOAM_TRY(OpenFile(path, O_RDONLY));
  return ReadAll(fd.get(), path);
}

Result<std::optional<std::string>> ReadFileIfExists(const std::string& path) {
  Result<UniqueFd> fd = OpenFile(path, O_RDONLY);
  if (!fd && fd.error().sys_errno() == ENOENT) {
    return std::optional<std::string>();
  }
  if (!fd) {
    return Unexpected(std::move(fd).error());
  }
  return std::optional<std::string>(LOAM_TRY(ReadAll(fd->get(), path)));
}

Result<std::size_t> ReadAt(int fd, std::span<char> buffer, std::uint64_t offset, std::string_view name) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t count = RetryOnEintr(
        [&] { return ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done)); });
    if (count < 0) {
      return UnexpectedErrno(fmt::format("read {}", name));
    }
    if (count == 0) {
      break;
    }
    done += static_cast<std::size_t>(count);
  }
  return done;
}

Result<> WriteAll(int fd, std::string_view data, std::string_view name) {
  while (!data.empty()) {
    const ssize_t count = RetryOnEintr([&] { return ::write(fd, data.data(), data.size()); });
    if (count < 0) {
      return UnexpectedErrno(fmt::format("write {}", name));
    }
    data.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<> WriteAll(int fd, std::span<const std::string_view> pieces, std::string_view name) {
  std::vector<iovec> vectors;
  vectors.reserve(pieces.size());
  for (const std::string_view piece : pieces) {
    if (!piece.empty()) {
      vectors.push_back({const_cast<char*>(piece.data()), piece.size()});
    }
  }
  std::size_t next = 0;
  while (next < vectors.size()) {
    const int batch = static_cast<int>(std::min<std::size_t>(vectors.size() - next, IOV_MAX));
    ssize_t count = RetryOnEintr([&] { return ::writev(fd, vectors.data() + next, batch); });
    if (count < 0) {
      return UnexpectedErrno(fmt::format("write {}", name));
    }
    while (count > 0) {
      iovec& front = vectors[next];
      const std::size_t taken = std::min(front.iov_len, static_cast<std::size_t>(count));
      front.iov_base = static_cast<char*>(front.iov_base) + taken;
      front.iov_len -= taken;
      count -= static_cast<ssize_t>(taken);
      next += front.iov_len == 0 ? 1 : 0;
    }
  }
  return {};
}

Result<> WriteFileAtomic(const std::string& path, std::string_view data, mode_t mode, bool sync) {
  AtomicFile file = LOAM_TRY(AtomicFile::Create(path, mode));
  LOAM_TRY(WriteAll(file.fd(), data, path));
  return file.Commit(sync);
}

Result<> MakeDirs(const std::string& path, mode_t mode) {
  if (path.empty() || ::mkdir(path.c_str(), mode) == 0) {
    return {};
  }
  if (errno == EEXIST) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
      return {};
    }
    errno = ENOTDIR;
    return UnexpectedErrno(fmt::format("make directory {}", path));
  }
  if (errno != ENOENT) {
    return UnexpectedErrno(fmt::format("make directory {}", path));
  }
  // From the first missing ancestor down.
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string prefix = path.substr(0, slash);
    if (::mkdir(prefix.c_str(), mode) != 0 && errno != EEXIST) {
      return UnexpectedErrno(fmt::format("make directory {}", prefix));
    }
  }
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return UnexpectedErrno(fmt::format("make directory {}", path));
  }
  return {};
}

Result<std::vector<std::string>> ListDirFd(int dir_fd, std::string_view name) {
  const UniqueDir dir = LOAM_TRY(OpenDirStream(dir_fd, name));
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) {
      if (errno != 0) {
        return UnexpectedErrno(fmt::format("read directory {}", name));
      }
      break;
    }
    const std::string_view entry_name = entry->d_name;
    if (entry_name != "." && entry_name != "..") {
      names.emplace_back(entry_name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<std::string>> ListDir(const std::string& path) {
  const UniqueFd fd = LOAM_TRY(OpenFile(path, O_RDONLY | O_DIRECTORY));
  return ListDirFd(fd.get(), path);
}

Result<> RemoveTreeAt(int dir_fd, const std::string& name) {
  return RemoveTreeAt(dir_fd, name, std::stop_token());
}

Result<> RemoveTreeAt(int dir_fd, const std::string& name, const std::stop_token& stop) {
  // The common cases first: a file, or an empty directory.
  if (::unlinkat(dir_fd, name.c_str(), 0) == 0 || errno == ENOENT) {
    return {};
  }
  if (errno != EISDIR && errno != EPERM) {
    return UnexpectedErrno(fmt::format("remove {}", name));
  }
  if (::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) {
    return {};
  }
  if (errno != ENOTEMPTY && errno != EEXIST) {
    return UnexpectedErrno(fmt::format("remove {}", name));
  }
  // Iterative, one open directory a level. What lies deeper than kMaxOpenLevels is moved up and removed from there.
  struct Level {
    UniqueDir dir;
    std::string name;
    [[nodiscard]] int fd() const { return ::dirfd(dir.get()); }
  };
  const auto open_level = [](int parent, const std::string& child) -> Result<Level> {
    UniqueFd fd = LOAM_TRY(OpenFileAt(parent, child, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    UniqueDir dir(::fdopendir(fd.get()));
    if (dir == nullptr) {
      return UnexpectedErrno(fmt::format("read directory {}", child));
    }
    static_cast<void>(fd.Release());
    return Level{std::move(dir), child};
  };
  struct stat top {};
  int moved_up = 0;
  int moved_up_names = 0;
  std::vector<Level> levels;
  levels.push_back(LOAM_TRY(open_level(dir_fd, name)));
  if (::fstat(levels.back().fd(), &top) != 0) {
    return UnexpectedErrno(fmt::format("stat {}", name));
  }
  while (!levels.empty()) {
    if (stop.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, fmt::format("remove {}: canceled", name));
    }
    Level& level = levels.back();
    const dirent* entry = ::readdir(level.dir.get());
    if (entry == nullptr) {
      const std::string done = std::move(level.name);
      levels.pop_back();
      if (levels.empty() && moved_up > 0) {
        // Whether the stream has shown the entries that were moved here is not defined: look again.
        moved_up = 0;
        levels.push_back(LOAM_TRY(open_level(dir_fd, name)));
        continue;
      }
      const int parent = levels.empty() ? dir_fd : levels.back().fd();
      if (::unlinkat(parent, done.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
        return UnexpectedErrno(fmt::format("remove {}", done));
      }
      continue;
    }
    const std::string child = entry->d_name;
    if (child == "." || child == "..") {
      continue;
    }
    if (entry->d_type != DT_DIR) {
      if (::unlinkat(level.fd(), child.c_str(), 0) == 0 || errno == ENOENT) {
        continue;
      }
      if (errno != EISDIR && errno != EPERM) {
        return UnexpectedErrno(fmt::format("remove {}/{}", level.name, child));
      }
    }
    Level below = LOAM_TRY(open_level(level.fd(), child));
    struct stat status {};
    if (::fstat(below.fd(), &status) != 0 || status.st_dev != top.st_dev) {
      errno = EXDEV;
      return UnexpectedErrno(fmt::format("remove {}/{}: a filesystem is mounted there", level.name, child));
    }
    if (levels.size() < kMaxOpenLevels) {
      levels.push_back(std::move(below));
      continue;
    }
    int code = 0;
    do {
      const std::string up = fmt::format(".loam-deep-{}", ++moved_up_names);
      code = ::renameat2(level.fd(), child.c_str(), levels.front().fd(), up.c_str(), RENAME_NOREPLACE);
    } while (code != 0 && errno == EEXIST);
    if (code != 0) {
      return UnexpectedErrno(fmt::format("remove {}/{}", level.name, child));
    }
    ++moved_up;
  }
  return {};
}

Result<> RemoveTree(const std::string& path) {
  return RemoveTreeAt(AT_FDCWD, path);
}

Result<> CopyRange(int from_fd, std::uint64_t from_offset, int to_fd, std::uint64_t to_offset, std::uint64_t size,
                   std::string_view name) {
  if (size == 0) {
    return {};
  }
  file_clone_range range{};
  range.src_fd = from_fd;
  range.src_offset = from_offset;
  range.src_length = size;
  range.dest_offset = to_offset;
  if (::ioctl(to_fd, FICLONERANGE, &range) == 0) {
    return {};
  }
  auto from = static_cast<off_t>(from_offset);
  auto to = static_cast<off_t>(to_offset);
  std::uint64_t left = size;
  while (left > 0) {
    const ssize_t count =
        RetryOnEintr([&] { return ::copy_file_range(from_fd, &from, to_fd, &to, static_cast<std::size_t>(left), 0); });
    if (count > 0) {
      left -= static_cast<std::uint64_t>(count);
      continue;
    }
    if (count < 0 && errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) {
      return UnexpectedErrno(fmt::format("copy {}", name));
    }
    break;
  }
  std::string buffer;
  while (left > 0) {
    buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kCopyBufferSize)));
    const std::size_t count = LOAM_TRY(ReadAt(from_fd, buffer, static_cast<std::uint64_t>(from), name));
    if (count == 0) {
      return Unexpected(ErrorCode::kDataLoss, fmt::format("copy {}: the file is shorter than expected", name));
    }
    std::size_t written = 0;
    while (written < count) {
      const ssize_t chunk = RetryOnEintr(
          [&] { return ::pwrite(to_fd, buffer.data() + written, count - written, to + static_cast<off_t>(written)); });
      if (chunk < 0) {
        return UnexpectedErrno(fmt::format("write copy of {}", name));
      }
      written += static_cast<std::size_t>(chunk);
    }
    from += static_cast<off_t>(count);
    to += static_cast<off_t>(count);
    left -= count;
  }
  return {};
}

Result<TempDir> TempDir::Create(const std::string& parent, std::string_view prefix) {
  std::string base = parent;
  if (base.empty()) {
    const char* from_environment = std::getenv("TMPDIR");
    base = from_environment != nullptr && *from_environment != '\0' ? from_environment : "/tmp";
  }
  std::string path = fmt::format("{}/{}XXXXXX", base, prefix);
  if (::mkdtemp(path.data()) == nullptr) {
    return UnexpectedErrno(fmt::format("make temporary directory in {}", base));
  }
  return TempDir(std::move(path));
}

TempDir::~TempDir() {
  if (!path_.empty()) {
    // Nothing useful can be done about a failure here; what is left is a leftover in a temporary place.
    static_cast<void>(RemoveTree(path_));
  }
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

std::string TempDir::Child(std::string_view name) const {
  return fmt::format("{}/{}", path_, name);
}

namespace {

// A name beside `destination` that no one else uses.
std::string TemporaryBeside(const std::string& destination) {
  std::array<unsigned char, 8> random{};
  // getrandom(2) of so few bytes neither fails nor is interrupted.
  static_cast<void>(::getrandom(random.data(), random.size(), 0));
  const std::string parent = ParentOf(destination);
  return fmt::format("{}/.loam-tmp-{:02x}", parent == "/" ? "" : parent, fmt::join(random, ""));
}

}  // namespace

Result<AtomicFile> AtomicFile::Create(const std::string& destination, mode_t mode) {
  AtomicFile file(destination);
  file.fd_ = UniqueFd(::open(ParentOf(destination).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
  if (file.fd_.valid()) {
    return file;
  }
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    return UnexpectedErrno(fmt::format("create {}", destination));
  }
  const std::string temporary = TemporaryBeside(destination);
  file.fd_ =
      LOAM_TRY_CONTEXT(fmt::format("create {}", destination), OpenFile(temporary, O_RDWR | O_CREAT | O_EXCL, mode));
  file.temporary_ = temporary;
  return file;
}

AtomicFile::~AtomicFile() {
  if (fd_.valid() && !temporary_.empty()) {
    ::unlink(temporary_.c_str());
  }
}

Result<> AtomicFile::Commit(bool sync) {
  if (sync && ::fsync(fd_.get()) != 0) {
    return UnexpectedErrno(fmt::format("sync {}", destination_));
  }
  if (temporary_.empty()) {
    // linkat(2) cannot replace: with a name first, then rename(2), unless the place is free.
    const std::string self = fmt::format("/proc/self/fd/{}", fd_.get());
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, destination_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      if (errno != EEXIST) {
        return UnexpectedErrno(fmt::format("name {}", destination_));
      }
      const std::string temporary = TemporaryBeside(destination_);
      if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, temporary.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        return UnexpectedErrno(fmt::format("name {}", destination_));
      }
      temporary_ = temporary;
    }
  }
  if (!temporary_.empty() && ::rename(temporary_.c_str(), destination_.c_str()) != 0) {
    return UnexpectedErrno(fmt::format("rename {} to {}", temporary_, destination_));
  }
  // From here on there is nothing to remove. close(2) can report a late write error (network filesystems).
  const int fd = fd_.Release();
  if (::close(fd) != 0 && errno != EINTR) {
    return UnexpectedErrno(fmt::format("close {}", destination_));
  }
  if (sync) {
    const UniqueFd parent = LOAM_TRY(OpenFile(ParentOf(destination_), O_RDONLY | O_DIRECTORY));
    if (::fsync(parent.get()) != 0) {
      return UnexpectedErrno(fmt::format("sync the directory of {}", destination_));
    }
  }
  return {};
}

namespace {
int FlockOperation(FileLock::Mode mode) {
  return mode == FileLock::Mode::kShared ? LOCK_SH : LOCK_EX;
}
}  // namespace

Result<FileLock> FileLock::Acquire(const std::string& path, Mode mode) {
  UniqueFd fd = LOAM_TRY(OpenFile(path, O_RDWR | O_CREAT));
  if (RetryOnEintr([&] { return ::flock(fd.get(), FlockOperation(mode)); }) != 0) {
    return UnexpectedErrno(fmt::format("lock {}", path));
  }
  return FileLock(std::move(fd), path);
}

Result<FileLock> FileLock::AcquireDirectory(const std::string& path, Mode mode) {
  UniqueFd fd = LOAM_TRY(OpenFile(path, O_RDONLY | O_DIRECTORY));
  if (RetryOnEintr([&] { return ::flock(fd.get(), FlockOperation(mode)); }) != 0) {
    return UnexpectedErrno(fmt::format("lock {}", path));
  }
  return FileLock(std::move(fd), path);
}

Result<std::optional<FileLock>> FileLock::TryAcquire(const std::string& path, Mode mode) {
  UniqueFd fd = LOAM_TRY(OpenFile(path, O_RDWR | O_CREAT));
  if (RetryOnEintr([&] { return ::flock(fd.get(), FlockOperation(mode) | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK) {
      return std::optional<FileLock>();
    }
    return UnexpectedErrno(fmt::format("lock {}", path));
  }
  return std::optional<FileLock>(FileLock(std::move(fd), path));
}

Result<> FileLock::Downgrade() {
  if (RetryOnEintr([&] { return ::flock(fd_.get(), LOCK_SH); }) != 0) {
    return UnexpectedErrno(fmt::format("lock {}", path_));
  }
  return {};
}

Result<bool> FileLock::TryUpgrade() {
  // flock(2): a conversion first drops the old lock; when it fails the shared lock has to be taken again.
  if (RetryOnEintr([&] { return ::flock(fd_.get(), LOCK_EX | LOCK_NB); }) == 0) {
    return true;
  }
  if (errno != EWOULDBLOCK) {
    return UnexpectedErrno(fmt::format("lock {}", path_));
  }
  LOAM_TRY(Downgrade());
  return false;
}

}  // namespace loam
