#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/file_system.h"
#include "runtime-executor/content/content_store.h"

namespace loam::content {

Ingest::Ingest(const ContentStore* store, UniqueFd fd, std::string path, bool keyed)
    : store_(store), fd_(std::move(fd)), path_(std::move(path)), keyed_(keyed) {}

Ingest::Ingest(Ingest&&) noexcept = default;

Ingest::~Ingest() {
  if (fd_.valid() && !keyed_ && !path_.empty()) {
    ::unlink(path_.c_str());
  }
}

Result<> Ingest::Write(std::string_view data) {
  LOAM_TRY(WriteAll(fd_.get(), data, "blob into the content store"));
  hash_.Update(data);
  offset_ += data.size();
  return {};
}

Result<> Ingest::Restart() {
  if (::ftruncate(fd_.get(), 0) != 0 || ::lseek(fd_.get(), 0, SEEK_SET) != 0) {
    return UnexpectedErrno("restart a blob");
  }
  offset_ = 0;
  hash_ = Sha256();
  return {};
}

void Ingest::Discard() {
  if (fd_.valid() && !path_.empty()) {
    ::unlink(path_.c_str());
    path_.clear();
  }
  fd_.Reset();
}

Result<BlobInfo> Ingest::Commit(const Digest& expected_digest, std::optional<std::uint64_t> expected_size) {
  const Digest digest = hash_.Finish();
  if (expected_size && *expected_size != offset_) {
    Discard();
    return Unexpected(
        ErrorCode::kDataLoss,
        fmt::format("blob {}: expected {} bytes, got {}",
                    expected_digest.empty() ? digest.ToString() : expected_digest.ToString(), *expected_size, offset_));
  }
  if (!expected_digest.empty() && expected_digest != digest) {
    Discard();
    return Unexpected(ErrorCode::kDataLoss, fmt::format("blob {}: the data has the digest {}",
                                                        expected_digest.ToString(), digest.ToString()));
  }
  const std::string destination = store_->PathOf(digest);
  struct stat existing {};
  if (::stat(destination.c_str(), &existing) == 0 && static_cast<std::uint64_t>(existing.st_size) == offset_) {
    // Committed again counts as used again.
    ::utimensat(AT_FDCWD, destination.c_str(), nullptr, 0);
    Discard();
    return store_->Info(digest);
  }
  if (::fchmod(fd_.get(), 0444) != 0) {
    return UnexpectedErrno(fmt::format("change mode of blob {}", digest.ToString()));
  }
  if (path_.empty()) {
    // Give the nameless file a name, then its place: link(2) would not replace a damaged blob of another size.
    const std::string self = fmt::format("/proc/self/fd/{}", fd_.get());
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, destination.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      fd_.Reset();
      return store_->Info(digest);
    }
    const int link_errno = errno;
    if (link_errno != EEXIST) {
      errno = link_errno;
      return UnexpectedErrno(fmt::format("publish blob {}", digest.ToString()));
    }
    // Someone else was faster, or the blob there is cut off.
    if (::stat(destination.c_str(), &existing) == 0 && static_cast<std::uint64_t>(existing.st_size) == offset_) {
      Discard();
      return store_->Info(digest);
    }
    path_ = store_->TemporaryName();
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      const int saved = errno;
      path_.clear();
      errno = saved;
      return UnexpectedErrno(fmt::format("publish blob {}", digest.ToString()));
    }
  }
  if (::rename(path_.c_str(), destination.c_str()) != 0) {
    return UnexpectedErrno(fmt::format("publish blob {}", digest.ToString()));
  }
  path_.clear();
  fd_.Reset();
  return store_->Info(digest);
}

}  // namespace loam::content
