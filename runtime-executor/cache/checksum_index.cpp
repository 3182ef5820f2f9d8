#include "runtime-executor/cache/checksum_index.h"

#include <chrono>
#include <cstring>
#include <ctime>

#include "base/file_system.h"
#include "runtime-executor/cache/checksum.h"

namespace loam::cache {
namespace {

constexpr std::string_view kMagic = "loam-checksums-1";
constexpr std::size_t kStampSize = 6 * sizeof(std::uint64_t);
constexpr std::size_t kRecordSize = kStampSize + sizeof(Digest::Bytes);
static_assert(sizeof(FileStamp) == kStampSize);

std::int64_t Nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileStamp StampOf(const snapshot::TreeEntry& entry, bool owned_by_root) {
  FileStamp stamp{};
  stamp.dev = entry.dev;
  stamp.ino = entry.ino;
  stamp.mtime = Nanoseconds(entry.mtime);
  stamp.ctime = Nanoseconds(entry.ctime);
  stamp.size = entry.size;
  stamp.header = entry.mode | (owned_by_root ? std::uint64_t{1} << 63U : 0);
  return stamp;
}

WallTime FileClockNow() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return WallTime(std::chrono::nanoseconds(Nanoseconds(now)));
}

bool MayRemember(const snapshot::TreeEntry& entry, WallTime began, bool coarse_times) {
  const bool whole_seconds = entry.mtime.tv_nsec == 0 || entry.ctime.tv_nsec == 0;
  const auto margin = coarse_times || whole_seconds ? kCoarseRacyMargin : kRacyMargin;
  const std::int64_t latest = std::max(Nanoseconds(entry.mtime), Nanoseconds(entry.ctime));
  return WallTime(std::chrono::nanoseconds(latest)) + margin < began;
}

ChecksumIndex::ChecksumIndex(std::string path) : path_(std::move(path)) {
  Load();
}

void ChecksumIndex::Load() {
  if (path_.empty()) {
    return;
  }
  const auto read = ReadFileIfExists(path_);
  if (!read || !*read) {
    return;
  }
  const std::string_view text = **read;
  // magic, records, digest of all before it
  if (text.size() < kMagic.size() + sizeof(Digest::Bytes) || !text.starts_with(kMagic) ||
      (text.size() - kMagic.size() - sizeof(Digest::Bytes)) % kRecordSize != 0) {
    return;
  }
  const Digest sum = Digest::Of(text.substr(0, text.size() - sizeof(Digest::Bytes)));
  if (std::memcmp(sum.bytes().data(), text.data() + text.size() - sizeof(Digest::Bytes), sizeof(Digest::Bytes)) != 0) {
    return;
  }
  const std::size_t count = (text.size() - kMagic.size() - sizeof(Digest::Bytes)) / kRecordSize;
  entries_.resize(count);
  by_inode_.reserve(count);
  const char* at = text.data() + kMagic.size();
  for (std::size_t i = 0; i < count; ++i, at += kRecordSize) {
    std::memcpy(&entries_[i].stamp, at, kStampSize);
    std::memcpy(entries_[i].digest.data(), at + kStampSize, sizeof(Digest::Bytes));
    entries_[i].used = false;
    by_inode_.emplace(entries_[i].stamp.ino, static_cast<std::uint32_t>(i));
  }
}

std::optional<Digest> ChecksumIndex::Find(const FileStamp& stamp) {
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = by_inode_.equal_range(stamp.ino);
  for (auto it = begin; it != end; ++it) {
    Entry& entry = entries_[it->second];
    if (entry.stamp == stamp) {
      entry.used = true;
      return Digest(entry.digest);
    }
  }
  return std::nullopt;
}

void ChecksumIndex::Add(const FileStamp& stamp, const Digest& digest) {
  const std::lock_guard lock(mutex_);
  by_inode_.emplace(stamp.ino, static_cast<std::uint32_t>(entries_.size()));
  entries_.push_back({stamp, digest.bytes(), true});
  changed_ = true;
}

Result<> ChecksumIndex::Save() {
  std::string text(kMagic);
  {
    const std::lock_guard lock(mutex_);
    if (path_.empty() || !changed_) {
      return {};
    }
    changed_ = false;
    text.reserve(kMagic.size() + entries_.size() * kRecordSize + sizeof(Digest::Bytes));
    for (const Entry& entry : entries_) {
      if (entry.used) {
        char record[kRecordSize];
        std::memcpy(record, &entry.stamp, kStampSize);
        std::memcpy(record + kStampSize, entry.digest.data(), sizeof(Digest::Bytes));
        text.append(record, kRecordSize);
      }
    }
  }
  const Digest sum = Digest::Of(text);
  for (const std::uint8_t byte : sum.bytes()) {
    text += static_cast<char>(byte);
  }
  return WriteFileAtomic(path_, text);
}

}  // namespace loam::cache
