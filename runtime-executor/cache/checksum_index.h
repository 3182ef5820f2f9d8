// One tree's memory of file digests, by what stat says about a file: a compact blob, read at once and written only when
// something changed. Entries that were not asked for are forgotten at the next write.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "runtime-executor/snapshot/host_tree.h"

namespace loam::cache {

// What a digest depends on. Device numbers change over reboots; then the files are read again.
struct FileStamp {
  std::uint64_t dev;
  std::uint64_t ino;
  std::int64_t mtime;  // nanoseconds
  std::int64_t ctime;
  std::uint64_t size;
  // Mode and owner are part of the digest. They cannot change without ctime, but an owner may be counted as 0:0.
  std::uint64_t header;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
FileStamp StampOf(const snapshot::TreeEntry& entry, bool owned_by_root);

// The clock that stamps files of local file systems: CLOCK_REALTIME_COARSE, which steps by ticks. What is written after
// this call gets no earlier time.
WallTime FileClockNow();

// The rule for racy files, see checksum.h. `began`, by FileClockNow, is when the file was looked at first.
bool MayRemember(const snapshot::TreeEntry& entry, WallTime began, bool coarse_times);

// Thread-safe.
class ChecksumIndex {
 public:
  // `path` empty: kept in memory only. A damaged or missing file is an empty index.
  explicit ChecksumIndex(std::string path);

  std::optional<Digest> Find(const FileStamp& stamp);
  void Add(const FileStamp& stamp, const Digest& digest);
  // Writes the entries that were found or added since the index was opened, if any was added.
  Result<> Save();

 private:
  struct Entry {
    FileStamp stamp;
    Digest::Bytes digest;
    bool used;
  };
  void Load();

  const std::string path_;
  std::mutex mutex_;  // guards everything below
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_inode_;
  std::vector<Entry> entries_;
  bool changed_ = false;
};

}  // namespace loam::cache
