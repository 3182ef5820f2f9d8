// Framing of the base protocol: "Content-Length: N", a blank line, N bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace loam::lsp {

inline constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
inline constexpr std::size_t kMaxMessageBytes = std::size_t{512} << 20;

// Reads messages from a file descriptor, which it does not own.
class MessageReader {
 public:
  // `unparsed`: bytes that came before those that `fd` has.
  explicit MessageReader(int fd, std::string unparsed = {}) : fd_(fd), buffer_(std::move(unparsed)) {}

  // Reads what is there, and waits if there is nothing. False at the end of the stream.
  Result<bool> Fill();
  // The body of the next message; nullopt if not all of it has been read. An error if what comes is no message: the
  // stream cannot be used after that.
  Result<std::optional<std::string>> Take();
  // What has been read and not taken.
  [[nodiscard]] std::string_view unparsed() const { return std::string_view(buffer_).substr(used_); }

 private:
  int fd_;
  std::string buffer_;
  std::size_t used_ = 0;
};

}  // namespace loam::lsp
