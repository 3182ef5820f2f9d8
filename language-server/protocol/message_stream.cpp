#include "language-server/protocol/message_stream.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/strings.h"

namespace loam::lsp {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

// The length among the header lines; nullopt if there is none or it is wrong.
std::optional<std::size_t> ContentLength(std::string_view header) {
  std::optional<std::size_t> length;
  for (std::string_view line : Split(header, '\n')) {
    const auto field = SplitOnce(line, ':');
    if (!field || !EqualsIgnoreCase(TrimSpace(field->first), "content-length")) {
      continue;
    }
    const std::string_view value = TrimSpace(field->second);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size()) {
      return std::nullopt;
    }
    length = number;
  }
  return length;
}

}  // namespace

Result<bool> MessageReader::Fill() {
  if (used_ > 0) {
    buffer_.erase(0, used_);
    used_ = 0;
  }
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kReadBytes);
  ssize_t got = 0;
  do {
    got = ::read(fd_, buffer_.data() + before, kReadBytes);
  } while (got < 0 && errno == EINTR);
  buffer_.resize(before + static_cast<std::size_t>(got > 0 ? got : 0));
  if (got < 0) {
    return UnexpectedErrno("read from the client");
  }
  return got > 0;
}

Result<std::optional<std::string>> MessageReader::Take() {
  const std::size_t header_end = buffer_.find("\r\n\r\n", used_);
  if (header_end == std::string::npos) {
    if (buffer_.size() - used_ > kMaxHeaderBytes) {
      return Unexpected(ErrorCode::kInvalidArgument, "the header of a message does not end");
    }
    return std::nullopt;
  }
  const auto length = ContentLength(std::string_view(buffer_).substr(used_, header_end - used_));
  if (!length || *length > kMaxMessageBytes) {
    return Unexpected(ErrorCode::kInvalidArgument, "a message without a valid Content-Length");
  }
  if (buffer_.size() - header_end - 4 < *length) {
    return std::nullopt;
  }
  used_ = header_end + 4;
  std::string body = buffer_.substr(used_, *length);
  used_ += *length;
  if (used_ == buffer_.size()) {
    // A large message is no reason to keep a large buffer.
    buffer_.clear();
    used_ = 0;
    if (buffer_.capacity() > 4 * kReadBytes) {
      buffer_.shrink_to_fit();
    }
  }
  return body;
}

}  // namespace loam::lsp
