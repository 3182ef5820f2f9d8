// ContentStore: immutable blobs by digest, in files `blobs/sha256/<hex>` below one directory. Many threads and several
// processes may use one directory at once. A blob appears complete and verified or not at all; an unnamed temporary
// file (or a keyed one, for resuming) is all that a killed process can leave behind.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime-executor/content/byte_stream.h"
#include "runtime-executor/content/descriptor.h"

namespace loam::content {

struct BlobInfo {
  Digest digest;
  std::uint64_t size = 0;
  // When it was written, or last committed again.
  WallTime modified;
};

// An open blob; stays readable when the blob is deleted meanwhile.
class Blob final : public ByteSource {
 public:
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // For pread, sendfile, copy_file_range; the file position belongs to Read.
  [[nodiscard]] int fd() const { return fd_.get(); }
  Result<std::size_t> Read(std::span<char> buffer) override;
  Result<std::size_t> ReadAt(std::span<char> buffer, std::uint64_t offset) const;

 private:
  friend class ContentStore;
  Blob(UniqueFd fd, std::uint64_t size, std::string name) : fd_(std::move(fd)), size_(size), name_(std::move(name)) {}
  UniqueFd fd_;
  std::uint64_t size_;
  std::string name_;
};

class ContentStore;

// A blob being written, hashed on the way. Dropped without Commit: an unkeyed one vanishes, a keyed one stays for
// resuming.
class Ingest final : public ByteSink {
 public:
  ~Ingest() override;
  Ingest(Ingest&&) noexcept;
  Ingest& operator=(Ingest&&) = delete;

  // Bytes written so far; not 0 at the start of a resumed ingest.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  Result<> Write(std::string_view data) override;
  // Forgets what was written.
  Result<> Restart();
  // Publishes the blob. With `expected` (size 0 and an empty digest are "not known"), a difference is kDataLoss, the
  // data is discarded and nothing is published. A blob that is there already is fine.
  Result<BlobInfo> Commit(const Digest& expected_digest = {},
                          std::optional<std::uint64_t> expected_size = std::nullopt);
  // Removes a keyed ingest for good.
  void Discard();

 private:
  friend class ContentStore;
  Ingest(const ContentStore* store, UniqueFd fd, std::string path, bool keyed);
  const ContentStore* store_;
  UniqueFd fd_;
  std::string path_;  // empty: the file has no name (O_TMPFILE)
  bool keyed_;
  std::uint64_t offset_ = 0;
  Sha256 hash_;
};

class ContentStore {
 public:
  // Opens `directory`, creating it as needed. The object must outlive its ingests.
  static Result<std::unique_ptr<ContentStore>> Open(const std::string& directory);
  ContentStore(const ContentStore&) = delete;

  // kNotFound if it is not there.
  [[nodiscard]] Result<BlobInfo> Info(const Digest& digest) const;
  [[nodiscard]] bool Contains(const Digest& digest) const;
  // The same, and of this size: the cheap check before a blob is relied on.
  [[nodiscard]] bool Contains(const Descriptor& descriptor) const;

  [[nodiscard]] Result<Blob> OpenBlob(const Digest& digest) const;
  // Checks the size as well (kDataLoss).
  [[nodiscard]] Result<Blob> OpenBlob(const Descriptor& descriptor) const;
  // The whole blob, verified; for manifests and configs, at most `limit` bytes.
  [[nodiscard]] Result<std::string> ReadBlob(const Digest& digest, std::uint64_t limit = 64U << 20U) const;
  // Host path of a blob that is there; for tools that want a file.
  [[nodiscard]] std::string PathOf(const Digest& digest) const;

  // Stores `data`.
  Result<Digest> WriteBlob(std::string_view data);
  [[nodiscard]] Result<Ingest> StartIngest() const;
  // Continues what an earlier ingest with the same key left (a pull names it by digest); if that one is still being
  // written by someone, this is a fresh unkeyed one.
  [[nodiscard]] Result<Ingest> ResumeIngest(std::string_view key) const;

  // In no particular order.
  Result<> Walk(const std::function<Result<>(const BlobInfo&)>& visit) const;
  // Nothing there is no error.
  Result<> Delete(const Digest& digest);
  // Removes what dead processes left; keyed ingests only when older than `keep_keyed`. Call it with the root locked.
  Result<> RemoveStaleIngests(std::chrono::seconds keep_keyed);

 private:
  friend class Ingest;
  explicit ContentStore(std::string directory);
  [[nodiscard]] Result<UniqueFd> OpenAnonymous(std::string& path) const;
  [[nodiscard]] std::string TemporaryName() const;

  std::string directory_;
};

}  // namespace loam::content
