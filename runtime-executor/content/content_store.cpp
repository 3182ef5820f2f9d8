#include "runtime-executor/content/content_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/file_system.h"

namespace loam::content {
namespace {

constexpr std::string_view kKeyedPrefix = "key-";
constexpr std::string_view kUnkeyedPrefix = "tmp-";

WallTime TimeOf(const timespec& time) {
  return WallTime(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

BlobInfo InfoOf(const Digest& digest, const struct stat& status) {
  return {digest, static_cast<std::uint64_t>(status.st_size), TimeOf(status.st_mtim)};
}

}  // namespace

Result<std::size_t> Blob::Read(std::span<char> buffer) {
  while (true) {
    const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
    if (count >= 0) {
      return static_cast<std::size_t>(count);
    }
    if (errno != EINTR) {
      return UnexpectedErrno(fmt::format("read blob {}", name_));
    }
  }
}

Result<std::size_t> Blob::ReadAt(std::span<char> buffer, std::uint64_t offset) const {
  return loam::ReadAt(fd_.get(), buffer, offset, name_);
}

ContentStore::ContentStore(std::string directory) : directory_(std::move(directory)) {}

Result<std::unique_ptr<ContentStore>> ContentStore::Open(const std::string& directory) {
  LOAM_TRY(MakeDirs(directory + "/blobs/sha256"));
  LOAM_TRY(MakeDirs(directory + "/ingest", 0700));
  return std::unique_ptr<ContentStore>(new ContentStore(directory));
}

std::string ContentStore::PathOf(const Digest& digest) const {
  return fmt::format("{}/blobs/sha256/{}", directory_, digest.Hex());
}

std::string ContentStore::TemporaryName() const {
  std::array<unsigned char, 12> random{};
  std::string name;
  // getrandom(2) of so few bytes neither fails nor is interrupted.
  static_cast<void>(::getrandom(random.data(), random.size(), 0));
  for (const unsigned char byte : random) {
    name += fmt::format("{:02x}", byte);
  }
  return fmt::format("{}/ingest/{}{}", directory_, kUnkeyedPrefix, name);
}

Result<BlobInfo> ContentStore::Info(const Digest& digest) const {
  struct stat status {};
  if (::stat(PathOf(digest).c_str(), &status) != 0) {
    if (errno == ENOENT) {
      return Unexpected(ErrorCode::kNotFound, fmt::format("blob {} is not in the content store", digest.ToString()));
    }
    return UnexpectedErrno(fmt::format("stat blob {}", digest.ToString()));
  }
  return InfoOf(digest, status);
}

bool ContentStore::Contains(const Digest& digest) const {
  return Info(digest).has_value();
}

bool ContentStore::Contains(const Descriptor& descriptor) const {
  const Result<BlobInfo> info = Info(descriptor.digest);
  return info && info->size == descriptor.size;
}

Result<Blob> ContentStore::OpenBlob(const Digest& digest) const {
  Result<UniqueFd> fd = OpenFile(PathOf(digest), O_RDONLY);
  if (!fd) {
    if (fd.error().sys_errno() == ENOENT) {
      return Unexpected(ErrorCode::kNotFound, fmt::format("blob {} is not in the content store", digest.ToString()));
    }
    return Unexpected(std::move(fd).error());
  }
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) {
    return UnexpectedErrno(fmt::format("stat blob {}", digest.ToString()));
  }
  return Blob(std::move(*fd), static_cast<std::uint64_t>(status.st_size), digest.ToString());
}

Result<Blob> ContentStore::OpenBlob(const Descriptor& descriptor) const {
  Blob blob = LOAM_TRY(OpenBlob(descriptor.digest));
  if (blob.size() != descriptor.size) {
    return Unexpected(ErrorCode::kDataLoss, fmt::format("blob {} in the content store has {} bytes instead of {}",
                                                        descriptor.digest.ToString(), blob.size(), descriptor.size));
  }
  return blob;
}

Result<std::string> ContentStore::ReadBlob(const Digest& digest, std::uint64_t limit) const {
  Blob blob = LOAM_TRY(OpenBlob(digest));
  if (blob.size() > limit) {
    return Unexpected(ErrorCode::kResourceExhausted, fmt::format("blob {} has {} bytes, more than the {} allowed here",
                                                                 digest.ToString(), blob.size(), limit));
  }
  std::string text = LOAM_TRY(ReadAll(blob, limit));
  if (const Digest actual = Digest::Of(text); actual != digest) {
    return Unexpected(ErrorCode::kDataLoss, fmt::format("blob {} in the content store is damaged: its digest is {}",
                                                        digest.ToString(), actual.ToString()));
  }
  return text;
}

Result<Digest> ContentStore::WriteBlob(std::string_view data) {
  Ingest ingest = LOAM_TRY(StartIngest());
  LOAM_TRY(ingest.Write(data));
  return LOAM_TRY(ingest.Commit()).digest;
}

Result<UniqueFd> ContentStore::OpenAnonymous(std::string& path) const {
  UniqueFd fd(::open((directory_ + "/blobs/sha256").c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd.valid()) {
    path.clear();
    return fd;
  }
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    return UnexpectedErrno(fmt::format("create a blob in {}", directory_));
  }
  path = TemporaryName();
  return OpenFile(path, O_RDWR | O_CREAT | O_EXCL, 0600);
}

Result<Ingest> ContentStore::StartIngest() const {
  std::string path;
  UniqueFd fd = LOAM_TRY(OpenAnonymous(path));
  return Ingest(this, std::move(fd), std::move(path), /*keyed=*/false);
}

Result<Ingest> ContentStore::ResumeIngest(std::string_view key) const {
  const std::string path = fmt::format("{}/ingest/{}{}", directory_, kKeyedPrefix, Digest::Of(key).Hex());
  while (true) {
    UniqueFd fd = LOAM_TRY(OpenFile(path, O_RDWR | O_CREAT, 0600));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) {
        return StartIngest();
      }
      if (errno == EINTR) {
        continue;
      }
      return UnexpectedErrno(fmt::format("lock {}", path));
    }
    // The previous holder may have published or removed the file between open and lock.
    struct stat mine {};
    struct stat named {};
    if (::fstat(fd.get(), &mine) != 0) {
      return UnexpectedErrno(fmt::format("stat {}", path));
    }
    if (::stat(path.c_str(), &named) != 0 || named.st_ino != mine.st_ino || named.st_dev != mine.st_dev) {
      continue;
    }
    Ingest ingest(this, std::move(fd), path, /*keyed=*/true);
    std::vector<char> buffer(256 * 1024);
    FdSource source(ingest.fd_.get(), path);
    while (const std::size_t count = LOAM_TRY(source.Read(buffer))) {
      ingest.hash_.Update(std::string_view(buffer.data(), count));
      ingest.offset_ += count;
    }
    return ingest;
  }
}

Result<> ContentStore::Walk(const std::function<Result<>(const BlobInfo&)>& visit) const {
  const std::string directory = directory_ + "/blobs/sha256";
  const UniqueFd fd = LOAM_TRY(OpenFile(directory, O_RDONLY | O_DIRECTORY));
  for (const std::string& name : LOAM_TRY(ListDirFd(fd.get(), directory))) {
    const Result<Digest> digest = Digest::Parse("sha256:" + name);
    struct stat status {};
    // Another process may delete it between the listing and here.
    if (digest && ::fstatat(fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode)) {
      LOAM_TRY(visit(InfoOf(*digest, status)));
    }
  }
  return {};
}

Result<> ContentStore::Delete(const Digest& digest) {
  if (::unlink(PathOf(digest).c_str()) != 0 && errno != ENOENT) {
    return UnexpectedErrno(fmt::format("delete blob {}", digest.ToString()));
  }
  return {};
}

Result<> ContentStore::RemoveStaleIngests(std::chrono::seconds keep_keyed) {
  const std::string directory = directory_ + "/ingest";
  const UniqueFd fd = LOAM_TRY(OpenFile(directory, O_RDONLY | O_DIRECTORY));
  const WallTime now = SystemClock().Now();
  for (const std::string& name : LOAM_TRY(ListDirFd(fd.get(), directory))) {
    struct stat status {};
    if (::fstatat(fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      continue;
    }
    if (name.starts_with(kKeyedPrefix) && now - TimeOf(status.st_mtim) <= keep_keyed) {
      continue;
    }
    if (::unlinkat(fd.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
      return UnexpectedErrno(fmt::format("remove {}/{}", directory, name));
    }
  }
  return {};
}

}  // namespace loam::content
