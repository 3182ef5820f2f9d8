#include "runtime-executor/proxy/byte_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/file_system.h"
#include "base/freed_by.h"
#include "base/strings.h"

namespace loam::proxy {
namespace {

constexpr std::size_t kMaxHead = std::size_t{64} << 10U;
constexpr std::size_t kMaxLine = 8192;
// Of what a step sends in one request.
constexpr std::size_t kMaxBody = std::size_t{1} << 30U;

class PlainByteStream final : public ByteStream {
 public:
  explicit PlainByteStream(int socket) : socket_(socket) {}

  Result<std::size_t> Read(char* buffer, std::size_t size) override {
    while (true) {
      const ssize_t got = ::recv(socket_, buffer, size, 0);
      if (got >= 0) {
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR) {
        return Unexpected(Error::FromErrno(errno, "read from a step"));
      }
    }
  }
  Result<> Write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno != EINTR) {
        return Unexpected(Error::FromErrno(errno, "write to a step"));
      }
    }
    return {};
  }

 private:
  const int socket_;
};

class TlsByteStream final : public ByteStream {
 public:
  explicit TlsByteStream(std::unique_ptr<SSL, FreedBy<SSL_free>> ssl) : ssl_(std::move(ssl)) {}
  ~TlsByteStream() override { SSL_shutdown(ssl_.get()); }
  TlsByteStream(const TlsByteStream&) = delete;
  TlsByteStream& operator=(const TlsByteStream&) = delete;

  Result<std::size_t> Read(char* buffer, std::size_t size) override {
    std::size_t got = 0;
    if (SSL_read_ex(ssl_.get(), buffer, size, &got) == 1) {
      return got;
    }
    ERR_clear_error();
    return std::size_t{0};
  }
  Result<> Write(std::string_view bytes) override {
    std::size_t sent = 0;
    if (!bytes.empty() && SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent) != 1) {
      ERR_clear_error();
      return Unexpected(ErrorCode::kUnavailable, "the step has closed its connection");
    }
    return {};
  }

 private:
  const std::unique_ptr<SSL, FreedBy<SSL_free>> ssl_;
};

tl::unexpected<Error> NotHttp(std::string_view what) {
  return Unexpected(ErrorCode::kInvalidArgument, std::string(what));
}

std::optional<std::size_t> ParseSize(std::string_view text, int base) {
  std::size_t size = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), size, base);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || size > kMaxBody) {
    return std::nullopt;
  }
  return size;
}

}  // namespace

std::unique_ptr<ByteStream> PlainStream(int socket) {
  return std::make_unique<PlainByteStream>(socket);
}

Result<std::unique_ptr<ByteStream>> TlsStream(int socket, ssl_ctx_st* context) {
  std::unique_ptr<SSL, FreedBy<SSL_free>> ssl(SSL_new(context));
  if (!ssl || SSL_set_fd(ssl.get(), socket) != 1 || SSL_accept(ssl.get()) != 1) {
    ERR_clear_error();
    return Unexpected(ErrorCode::kUnavailable, "the step does not accept the proxy's certificate");
  }
  return std::make_unique<TlsByteStream>(std::move(ssl));
}

const std::string* RequestHead::Header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const auto& header) { return EqualsIgnoreCase(header.first, name); });
  return found == headers.end() ? nullptr : &found->second;
}

Result<bool> MessageReader::Fill() {
  std::array<char, 16384> piece;
  const std::size_t got = LOAM_TRY(stream_.Read(piece.data(), piece.size()));
  buffer_.append(piece.data(), got);
  return got > 0;
}

Result<std::optional<RequestHead>> MessageReader::ReadHead() {
  std::size_t end = std::string::npos;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (buffer_.size() > kMaxHead) {
      return NotHttp("a head without an end");
    }
    if (!LOAM_TRY(Fill())) {
      return std::optional<RequestHead>();
    }
  }
  const std::string text = buffer_.substr(0, end);
  buffer_.erase(0, end + 4);
  RequestHead head;
  bool first = true;
  for (std::string_view line : Split(text, '\n')) {
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (first) {
      first = false;
      const std::vector<std::string_view> words = Split(line, ' ');
      if (words.size() != 3 || words[0].empty() || words[1].empty() || !words[2].starts_with("HTTP/1.")) {
        return NotHttp("not a request of HTTP/1.1");
      }
      head.method = words[0];
      head.target = words[1];
      continue;
    }
    const auto pair = SplitOnce(line, ':');
    if (!pair || pair->first.empty() || pair->first.find_first_of(" \t") != std::string_view::npos) {
      return NotHttp("a malformed header");
    }
    head.headers.emplace_back(pair->first, TrimSpace(pair->second));
  }
  return std::optional(std::move(head));
}

Result<std::string> MessageReader::ReadLine() {
  std::size_t end = std::string::npos;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (buffer_.size() > kMaxLine || !LOAM_TRY(Fill())) {
      return NotHttp("a malformed body");
    }
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

Result<> MessageReader::CopyTo(int fd, std::size_t size) {
  while (size > 0) {
    if (buffer_.empty() && !LOAM_TRY(Fill())) {
      return NotHttp("the body ends too early");
    }
    const std::size_t piece = std::min(size, buffer_.size());
    LOAM_TRY(WriteAll(fd, std::string_view(buffer_).substr(0, piece), "a request of a step"));
    buffer_.erase(0, piece);
    size -= piece;
  }
  return {};
}

Result<std::pair<UniqueFd, std::size_t>> MessageReader::ReadBody(const RequestHead& head) {
  const std::string* length = head.Header("Content-Length");
  const std::string* coding = head.Header("Transfer-Encoding");
  if (length == nullptr && coding == nullptr) {
    return std::pair<UniqueFd, std::size_t>();
  }
  if (const std::string* expect = head.Header("Expect"); expect != nullptr) {
    LOAM_TRY(stream_.Write("HTTP/1.1 100 Continue\r\n\r\n"));
  }
  UniqueFd file(::memfd_create("request", MFD_CLOEXEC));
  if (!file.valid()) {
    return Unexpected(Error::FromErrno(errno, "keep a request"));
  }
  if (coding == nullptr) {
    const std::optional<std::size_t> size = ParseSize(*length, 10);
    if (!size) {
      return NotHttp("a body of a size that cannot be");
    }
    LOAM_TRY(CopyTo(file.get(), *size));
    return std::pair(std::move(file), *size);
  }
  if (length != nullptr || !EqualsIgnoreCase(*coding, "chunked")) {
    return NotHttp("a body in an unknown coding");
  }
  std::size_t total = 0;
  while (true) {
    const std::string line = LOAM_TRY(ReadLine());
    const std::optional<std::size_t> size = ParseSize(TrimSpace(std::string_view(line).substr(0, line.find(';'))), 16);
    if (!size || total + *size > kMaxBody) {
      return NotHttp("a body of a size that cannot be");
    }
    if (*size == 0) {
      break;
    }
    LOAM_TRY(CopyTo(file.get(), *size));
    total += *size;
    if (!LOAM_TRY(ReadLine()).empty()) {
      return NotHttp("a malformed body");
    }
  }
  while (!LOAM_TRY(ReadLine()).empty()) {  // trailers are dropped
  }
  return std::pair(std::move(file), total);
}

}  // namespace loam::proxy
