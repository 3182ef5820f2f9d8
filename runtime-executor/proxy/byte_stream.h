// Connections, plain or encrypted, and reading of HTTP/1.1 messages from them.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

struct ssl_ctx_st;

namespace loam::proxy {

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Blocks; 0 at the end.
  virtual Result<std::size_t> Read(char* buffer, std::size_t size) = 0;
  virtual Result<> Write(std::string_view bytes) = 0;
};

// A socket, which stays the caller's.
std::unique_ptr<ByteStream> PlainStream(int socket);
// The server's side of TLS on a socket, after its handshake.
Result<std::unique_ptr<ByteStream>> TlsStream(int socket, ssl_ctx_st* context);

struct RequestHead {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;

  // The first of a name, in any case; null if there is none.
  [[nodiscard]] const std::string* Header(std::string_view name) const;
};

class MessageReader {
 public:
  explicit MessageReader(ByteStream& stream) : stream_(stream) {}

  // nullopt: the other side is done. kInvalidArgument: not HTTP.
  Result<std::optional<RequestHead>> ReadHead();
  // The body that belongs to `head`, into a file without a name; an empty fd: there is none.
  Result<std::pair<UniqueFd, std::size_t>> ReadBody(const RequestHead& head);

 private:
  // False at the end.
  Result<bool> Fill();
  Result<std::string> ReadLine();
  Result<> CopyTo(int fd, std::size_t size);

  ByteStream& stream_;
  std::string buffer_;
};

}  // namespace loam::proxy
