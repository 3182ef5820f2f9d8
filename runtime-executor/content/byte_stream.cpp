#include "runtime-executor/content/byte_stream.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include "base/file_system.h"

namespace loam::content {
namespace {

constexpr std::size_t kBufferSize = 256 * 1024;

tl::unexpected<Error> FileTooShort(std::string_view name) {
  return Unexpected(ErrorCode::kDataLoss, fmt::format("read {}: the file became shorter while it was read", name));
}

}  // namespace

Result<> ByteSink::WriteFromFile(int fd, std::uint64_t offset, std::uint64_t size, std::string_view name) {
  std::vector<char> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(size, kBufferSize)));
  while (size > 0) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(size, buffer.size()));
    const std::size_t count = LOAM_TRY(ReadAt(fd, std::span(buffer).first(want), offset, name));
    if (count < want) {
      return FileTooShort(name);
    }
    LOAM_TRY(Write(std::string_view(buffer.data(), count)));
    offset += count;
    size -= count;
  }
  return {};
}

Result<std::size_t> ReadFull(ByteSource& source, std::span<char> buffer) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const std::size_t count = LOAM_TRY(source.Read(buffer.subspan(done)));
    if (count == 0) {
      break;
    }
    done += count;
  }
  return done;
}

Result<std::string> ReadAll(ByteSource& source, std::uint64_t limit) {
  std::string text;
  std::size_t used = 0;
  while (true) {
    text.resize(std::max<std::size_t>(used * 2, 4096));
    const std::size_t count = LOAM_TRY(source.Read(std::span(text).subspan(used)));
    if (count == 0) {
      text.resize(used);
      return text;
    }
    used += count;
    if (used > limit) {
      return Unexpected(ErrorCode::kResourceExhausted, fmt::format("more than {} bytes of data", limit));
    }
  }
}

Result<std::uint64_t> Copy(ByteSource& source, ByteSink& sink) {
  std::vector<char> buffer(kBufferSize);
  std::uint64_t total = 0;
  while (true) {
    const std::size_t count = LOAM_TRY(source.Read(buffer));
    if (count == 0) {
      return total;
    }
    LOAM_TRY(sink.Write(std::string_view(buffer.data(), count)));
    total += count;
  }
}

Result<std::size_t> StringSource::Read(std::span<char> buffer) {
  const std::size_t count = rest_.copy(buffer.data(), buffer.size());
  rest_.remove_prefix(count);
  return count;
}

Result<> FdSink::Write(std::string_view data) {
  return WriteAll(fd_, data, name_);
}

Result<> FdSink::WriteFromFile(int fd, std::uint64_t offset, std::uint64_t size, std::string_view name) {
  auto from = static_cast<off_t>(offset);
  std::uint64_t left = size;
  bool use_copy_file_range = true;
  while (left > 0) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(left, 1U << 30U));
    ssize_t count = -1;
    if (use_copy_file_range) {
      count = ::copy_file_range(fd, &from, fd_, nullptr, want, 0);
      if (count < 0 &&
          (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP || errno == EBADF)) {
        use_copy_file_range = false;
        continue;
      }
    } else {
      count = ::sendfile(fd_, fd, &from, want);
      if (count < 0 && (errno == EINVAL || errno == ENOSYS)) {
        return ByteSink::WriteFromFile(fd, static_cast<std::uint64_t>(from), left, name);
      }
    }
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return UnexpectedErrno(fmt::format("write {}", name_));
    }
    if (count == 0) {
      return FileTooShort(name);
    }
    left -= static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<std::size_t> FdSource::Read(std::span<char> buffer) {
  while (true) {
    const ssize_t count = ::read(fd_, buffer.data(), buffer.size());
    if (count >= 0) {
      return static_cast<std::size_t>(count);
    }
    if (errno != EINTR) {
      return UnexpectedErrno(fmt::format("read {}", name_));
    }
  }
}

Result<> HashingSink::Write(std::string_view data) {
  hash_.Update(data);
  size_ += data.size();
  return next_ != nullptr ? next_->Write(data) : Result<>();
}

}  // namespace loam::content
