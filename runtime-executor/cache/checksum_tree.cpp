#include "runtime-executor/cache/checksum_tree.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <atomic>
#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "base/stoppable_sleep.h"
#include "base/task_pool.h"
#include "runtime-executor/snapshot/tree_walk.h"

namespace loam::cache {
namespace {

constexpr std::size_t kReadBuffer = 128 << 10;

// Waits for the end of the tick in which the entry was changed, if that is now; the time by the clock of files.
WallTime LeaveTickOf(const snapshot::TreeEntry& entry, bool coarse_times, const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kStep{1};
  constexpr std::chrono::milliseconds kLongestTick{20};  // two ticks at 100 Hz
  WallTime now = FileClockNow();
  const WallTime start = now;
  while (!MayRemember(entry, now, coarse_times) && MayRemember(entry, now + kLongestTick, coarse_times) &&
         now - start < kLongestTick && SleepUnlessStopped(kStep, stop)) {
    now = FileClockNow();
  }
  return now;
}

// File systems whose clock is not this machine's, or that may see changes made elsewhere late.
bool HasForeignClock(int fd) {
  struct statfs info {};
  if (::fstatfs(fd, &info) != 0) {
    return true;
  }
  switch (static_cast<unsigned long>(info.f_type)) {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case 0xFE534D42UL:  // SMB2
    case 0xFF534D42UL:  // CIFS
    case 0x65735546UL:  // FUSE
    case 0x00C36400UL:  // Ceph
    case V9FS_MAGIC:
    case MSDOS_SUPER_MAGIC:
      return true;
    default:
      return false;
  }
}

void AddField(std::string* out, std::string_view key, std::string_view value) {
  *out += key;
  *out += value;
}
void AddField(std::string* out, std::string_view key, std::uint64_t value) {
  AddField(out, key, std::to_string(value));
}

char TypeFlag(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return '5';
    case S_IFLNK:
      return '2';
    case S_IFCHR:
      return '3';
    case S_IFBLK:
      return '4';
    case S_IFIFO:
      return '6';
    default:
      return '0';  // sockets too: upstream clears their bit
  }
}

// Which xattrs the tarsum format covers.
bool IsCovered(std::string_view key) {
  return key == "security.capability" || (!key.starts_with("security.") && !key.starts_with("system."));
}

}  // namespace

Result<std::optional<snapshot::TreeEntry>> ChecksumTree::Lookup(const std::string& path) {
  if (view_.host_tree() != nullptr) {
    const snapshot::TreeEntry* entry = LOAM_TRY(view_.host_tree()->Find(path));
    return entry == nullptr ? std::nullopt : std::optional(*entry);
  }
  struct stat info {};
  // The caller resolves links element by element, so the parents of `path` are directories.
  if (::fstatat(view_.fd(), path.empty() ? "." : path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return std::nullopt;
    }
    return UnexpectedErrno(fmt::format("stat `{}`", path));
  }
  return snapshot::MakeTreeEntry(path, info);
}

Result<std::string> ChecksumTree::ReadLink(const std::string& path) {
  return ReadLinkAt(view_.fd(), path);
}

Result<ChecksumTree::Listing> ChecksumTree::Subtree(const std::string& path) {
  Listing listing;
  if (view_.host_tree() != nullptr) {
    listing.entries = LOAM_TRY(view_.host_tree()->Subtree(path));
    return listing;
  }
  auto walked = std::make_shared<std::vector<snapshot::TreeEntry>>(
      LOAM_TRY(snapshot::WalkTree(view_.fd(), path, snapshot::TreeFilter())));
  listing.entries = *walked;
  listing.owned = std::move(walked);
  return listing;
}

Result<std::vector<Digest>> ChecksumTree::Digests(std::span<const snapshot::TreeEntry> entries,
                                                  const std::vector<bool>& wanted, std::stop_token stop) {
  std::vector<Digest> digests(entries.size());
  std::vector<std::size_t> missing;
  const bool host = view_.host_tree() != nullptr;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!wanted[i]) {
      continue;
    }
    // The root of a local source is made by the receiver and counts as nothing.
    if (host && entries[i].path.empty()) {
      digests[i] = Digest::Of("");
      continue;
    }
    if (!Indexed(entries[i])) {
      missing.push_back(i);
    } else if (const auto known = options_.index->Find(Stamp(entries[i]))) {
      digests[i] = *known;
    } else {
      missing.push_back(i);
    }
  }
  if (missing.empty()) {
    return digests;
  }
  const bool coarse = !options_.immutable && HasForeignClock(view_.fd());
  std::mutex error_mutex;
  std::optional<Error> first_error;
  std::atomic<bool> failed = false;
  // Neighbours together: fewer, larger tasks that stay within a directory.
  constexpr std::size_t kBatch = 64;
  ParallelFor((missing.size() + kBatch - 1) / kBatch, [&](std::size_t batch) {
    std::vector<char> buffer(kReadBuffer);
    for (std::size_t n = batch * kBatch; n < std::min(missing.size(), (batch + 1) * kBatch); ++n) {
      if (failed || stop.stop_requested()) {
        return;
      }
      const snapshot::TreeEntry& entry = entries[missing[n]];
      const WallTime began = options_.immutable ? WallTime() : LeaveTickOf(entry, coarse, stop);
      auto digest = HashEntry(entry, &buffer);
      if (!digest) {
        const std::lock_guard lock(error_mutex);
        failed = true;
        if (!first_error) {
          first_error = std::move(digest).error();
        }
        return;
      }
      digests[missing[n]] = *digest;
      if (options_.on_read && entry.is_regular()) {
        options_.on_read(entry);
      }
      if (Indexed(entry) && (options_.immutable || MayRemember(entry, began, coarse))) {
        options_.index->Add(Stamp(entry), *digest);
      }
    }
  });
  if (first_error) {
    return tl::unexpected(std::move(*first_error));
  }
  if (stop.stop_requested()) {
    return Unexpected(ErrorCode::kCanceled, "canceled");
  }
  return digests;
}

// Overlayfs gives merged directories numbers of its own; those say nothing.
bool ChecksumTree::Indexed(const snapshot::TreeEntry& entry) const {
  return !options_.immutable || entry.is_regular();
}

FileStamp ChecksumTree::Stamp(const snapshot::TreeEntry& entry) const {
  FileStamp stamp = StampOf(entry, view_.host_tree() != nullptr);
  if (options_.immutable) {
    // Every mount has a device number of its own, while all layers lie on one file system.
    stamp.dev = 0;
  }
  return stamp;
}

// The "tarsum v1" of a file as BuildKit computes it (cache/contenthash): the fields of a tar header without name and
// mtime, as text, then the xattrs by name, then the contents.
Result<Digest> ChecksumTree::HashEntry(const snapshot::TreeEntry& entry, std::vector<char>* buffer) {
  const bool host = view_.host_tree() != nullptr;
  const bool device = (entry.mode & S_IFMT) == S_IFCHR || (entry.mode & S_IFMT) == S_IFBLK;
  std::uint32_t mode = entry.mode & 07777U;
  std::string link;
  UniqueFd file;
  if (entry.is_symlink()) {
    link = LOAM_TRY(ReadLink(entry.path));
    mode |= 0777U;
  } else if (entry.is_regular() && entry.size > 0) {
    file = LOAM_TRY(OpenFileAt(view_.fd(), entry.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  }
  std::string header;
  AddField(&header, "name", "");
  AddField(&header, "mode", mode);
  AddField(&header, "uid", host ? 0 : entry.uid);
  AddField(&header, "gid", host ? 0 : entry.gid);
  AddField(&header, "size", entry.is_regular() ? entry.size : 0);
  AddField(&header, "typeflag", std::string_view(std::array{TypeFlag(entry.mode)}.data(), 1));
  AddField(&header, "linkname", link);
  AddField(&header, "uname", "");
  AddField(&header, "gname", "");
  // Upstream knows device numbers only of trees that a client sent.
  AddField(&header, "devmajor", host && device ? major(entry.rdev) : 0);
  AddField(&header, "devminor", host && device ? minor(entry.rdev) : 0);
  for (const auto& [key, value] : file.valid()
                                      ? LOAM_TRY(ReadXattrs(file.get(), ""))
                                      : LOAM_TRY(ReadXattrs(view_.fd(), entry.path.empty() ? "." : entry.path))) {
    if (IsCovered(key) && !key.starts_with(options_.overlay_xattr_prefix) && !(host && key.starts_with("com.apple."))) {
      AddField(&header, key, value);
    }
  }
  Sha256 hash;
  hash.Update(header);
  if (file.valid()) {
    std::uint64_t at = 0;
    while (at < entry.size) {
      const std::size_t got = LOAM_TRY(ReadAt(file.get(), *buffer, at, entry.path));
      if (got == 0) {
        break;
      }
      hash.Update(std::string_view(buffer->data(), got));
      at += got;
    }
  }
  return hash.Finish();
}

}  // namespace loam::cache
