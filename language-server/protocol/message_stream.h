// Framing of the base protocol: "Content-Length: N", a blank line, N bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace loam::lsp {

inline constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
inline constexpr std::size_t kMaxMessageBytes = std::size_t{512} << 20;

// Reads messages from a file descriptor, which it does not own.
class MessageReader {
 public:
  explicit MessageReader(int fd) : fd_(fd) {}

  // The body of the next message; nullopt at the end of the stream. An error if what comes is no message: the stream
  // cannot be used after that.
  Result<std::optional<std::string>> Next();
  // Whether some of the next message was read already.
  [[nodiscard]] bool buffered() const { return used_ < buffer_.size(); }

 private:
  // False at the end of the stream.
  Result<bool> Fill();

  int fd_;
  std::string buffer_;
  std::size_t used_ = 0;
};

}  // namespace loam::lsp
