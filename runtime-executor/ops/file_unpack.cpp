#include "runtime-executor/ops/file_unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"

namespace loam::ops {

namespace {

constexpr std::size_t kBlock = 64 * 1024;

struct ArchiveCloser {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, ArchiveCloser>;

// Null: not an archive. `entry` is its first entry.
Reader OpenArchive(int fd, archive_entry** entry) {
  Reader reader(archive_read_new());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_bzip2(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_format_tar(reader.get());
  lseek(fd, 0, SEEK_SET);
  if (archive_read_open_fd(reader.get(), fd, kBlock) != ARCHIVE_OK) {
    return nullptr;
  }
  const int code = archive_read_next_header(reader.get(), entry);
  return code == ARCHIVE_OK || code == ARCHIVE_WARN ? std::move(reader) : nullptr;
}

class Unpacker {
 public:
  Unpacker(archive* reader, int root_fd, const FileCopyOptions& options)
      : reader_(reader), root_(root_fd), options_(options) {}
  Result<> Extract(archive_entry* entry);
  // Times of directories, which what came after them has changed.
  Result<> Finish();

 private:
  struct Directory {
    std::string path;
    timespec time;
  };

  Result<> WriteContent(int fd, const std::string& path);
  Result<> SetMetadata(int dir, const std::string& name, archive_entry* entry, const std::string& path);

  archive* reader_;
  int root_;
  const FileCopyOptions& options_;
  std::vector<Directory> directories_;
};

Result<> Unpacker::WriteContent(int fd, const std::string& path) {
  const void* data = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  while (true) {
    const int code = archive_read_data_block(reader_, &data, &size, &offset);
    if (code == ARCHIVE_EOF) {
      // A hole at the end has no block.
      struct stat info {};
      if (fstat(fd, &info) == 0 && info.st_size < offset && ftruncate(fd, offset) != 0) {
        return UnexpectedErrno("write " + path);
      }
      return {};
    }
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) {
      return Unexpected(ErrorCode::kDataLoss, fmt::format("unpack {}: {}", path, archive_error_string(reader_)));
    }
    std::string_view block(static_cast<const char*>(data), size);
    while (!block.empty()) {
      const ssize_t written = pwrite(fd, block.data(), block.size(), offset);
      if (written < 0) {
        return UnexpectedErrno("write " + path);
      }
      block.remove_prefix(static_cast<std::size_t>(written));
      offset += written;
    }
  }
}

Result<> Unpacker::SetMetadata(int dir, const std::string& name, archive_entry* entry, const std::string& path) {
  const uid_t uid = options_.owner ? options_.owner->first : static_cast<uid_t>(archive_entry_uid(entry));
  const gid_t gid = options_.owner ? options_.owner->second : static_cast<gid_t>(archive_entry_gid(entry));
  if (fchownat(dir, name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return UnexpectedErrno("set the owner of " + path);
  }
  const bool link = archive_entry_filetype(entry) == AE_IFLNK;
  if (!link && fchmodat(dir, name.c_str(), archive_entry_perm(entry) & 07777U, 0) != 0) {
    return UnexpectedErrno("set the mode of " + path);
  }
  const std::string proc = fmt::format("/proc/self/fd/{}/{}", dir, name);
  archive_entry_xattr_reset(entry);
  const char* key = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (archive_entry_xattr_next(entry, &key, &value, &size) == ARCHIVE_OK) {
    lsetxattr(proc.c_str(), key, value, size, 0);  // best effort, as upstream
  }
  const timespec time = {archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
  const timespec times[2] = {time, time};
  if (utimensat(dir, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return UnexpectedErrno("set times of " + path);
  }
  return {};
}

Result<> Unpacker::Extract(archive_entry* entry) {
  const char* raw = archive_entry_pathname(entry);
  if (raw == nullptr) {
    return Unexpected(ErrorCode::kInvalidArgument, "unpack: an entry has no name");
  }
  const std::string path = CleanRootedPath(raw);
  const auto type = archive_entry_filetype(entry);
  const char* hard_link = archive_entry_hardlink(entry);
  if (path == "/") {
    return {};
  }
  const std::string parent = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
  LOAM_TRY(MakeDirsInRoot(root_, parent));
  const auto place = LOAM_TRY(OpenParentInRoot(root_, path));
  const int dir = place.parent.get();
  const std::string& name = place.name;
  struct stat existing {};
  const bool exists = fstatat(dir, name.c_str(), &existing, AT_SYMLINK_NOFOLLOW) == 0;
  const bool merges = exists && S_ISDIR(existing.st_mode) && type == AE_IFDIR && hard_link == nullptr;
  if (exists && !merges) {
    LOAM_TRY(RemoveTreeAt(dir, name));
  }
  if (hard_link != nullptr) {
    const auto target = LOAM_TRY(OpenParentInRoot(root_, CleanRootedPath(hard_link)));
    if (linkat(target.parent.get(), target.name.c_str(), dir, name.c_str(), 0) != 0) {
      return UnexpectedErrno(fmt::format("unpack {}: link to {}", path, hard_link));
    }
    return {};
  }
  switch (type) {
    case AE_IFDIR:
      if (!merges && mkdirat(dir, name.c_str(), 0700) != 0) {
        return UnexpectedErrno("mkdir " + path);
      }
      directories_.push_back({path, {archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)}});
      break;
    case AE_IFREG: {
      const UniqueFd file = LOAM_TRY(OpenFileAt(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
      LOAM_TRY(WriteContent(file.get(), path));
      break;
    }
    case AE_IFLNK:
      if (symlinkat(archive_entry_symlink(entry), dir, name.c_str()) != 0) {
        return UnexpectedErrno("symlink " + path);
      }
      break;
    case AE_IFBLK:
    case AE_IFCHR:
    case AE_IFIFO:
      if (mknodat(dir, name.c_str(), static_cast<mode_t>(type) | 0600U, archive_entry_rdev(entry)) != 0) {
        return UnexpectedErrno("mknod " + path);
      }
      break;
    default:
      return Unexpected(ErrorCode::kInvalidArgument, fmt::format("unpack {}: unknown kind of file", path));
  }
  return SetMetadata(dir, name, entry, path);
}

Result<> Unpacker::Finish() {
  for (const Directory& directory : directories_) {
    const auto place = LOAM_TRY(OpenParentInRoot(root_, directory.path));
    const timespec times[2] = {directory.time, directory.time};
    if (utimensat(place.parent.get(), place.name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT) {
      return UnexpectedErrno("set times of " + directory.path);
    }
  }
  return {};
}

}  // namespace

Result<bool> UnpackArchive(const SourceTree& source, const std::string& source_path, int dest_fd,
                           const std::string& dest_path, const FileCopyOptions& options, std::stop_token stop) {
  const std::string path = LOAM_TRY(source.Resolve(source_path, true));
  const auto info = LOAM_TRY(source.Lstat(path));
  if (!info || !info->is_regular()) {
    return false;
  }
  const UniqueFd file = LOAM_TRY(source.Open(path, O_RDONLY));
  archive_entry* entry = nullptr;
  const Reader reader = OpenArchive(file.get(), &entry);
  if (!reader) {
    return false;
  }
  const UniqueFd root = LOAM_TRY(MakeParents(dest_fd, CleanRootedPath(dest_path), 0755, options, nullptr));
  Unpacker unpacker(reader.get(), root.get(), options);
  while (true) {
    if (stop.stop_requested()) {
      return Unexpected(ErrorCode::kCanceled, "canceled");
    }
    LOAM_TRY(unpacker.Extract(entry));
    const int code = archive_read_next_header(reader.get(), &entry);
    if (code == ARCHIVE_EOF) {
      break;
    }
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) {
      return Unexpected(ErrorCode::kDataLoss, fmt::format("unpack {}: {}", path, archive_error_string(reader.get())));
    }
  }
  LOAM_TRY(unpacker.Finish());
  return true;
}

}  // namespace loam::ops
