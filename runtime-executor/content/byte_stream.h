// Streams of bytes: the seam between tar readers and writers, (de)compressors, ingests, HTTP bodies and files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"

namespace loam::content {

// Takes bytes in order. Used by one thread at a time.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Takes all of `data` or fails; after an error the sink must not be written to again.
  virtual Result<> Write(std::string_view data) = 0;
  // Takes `size` bytes of a file from `offset` on. A file that ends early is kDataLoss. Sinks with buffers of their own
  // read straight into them; the default reads and writes in pieces. `name` is for the error message.
  virtual Result<> WriteFromFile(int fd, std::uint64_t offset, std::uint64_t size, std::string_view name);
};

// Gives bytes in order. Used by one thread at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills a part of `buffer` (not empty); the number of bytes, 0 only at the end.
  virtual Result<std::size_t> Read(std::span<char> buffer) = 0;
};

// Reads until `buffer` is full or the source ends; the number of bytes.
Result<std::size_t> ReadFull(ByteSource& source, std::span<char> buffer);
// Everything, at most `limit` bytes (more is kResourceExhausted).
Result<std::string> ReadAll(ByteSource& source, std::uint64_t limit);
// Moves everything; the number of bytes.
Result<std::uint64_t> Copy(ByteSource& source, ByteSink& sink);

// Appends to a string.
class StringSink final : public ByteSink {
 public:
  Result<> Write(std::string_view data) override {
    text_ += data;
    return {};
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

class StringSource final : public ByteSource {
 public:
  // Keeps the view.
  explicit StringSource(std::string_view text) : rest_(text) {}
  Result<std::size_t> Read(std::span<char> buffer) override;

 private:
  std::string_view rest_;
};

// Writes to an fd that the caller keeps open. `name` is for error messages.
class FdSink final : public ByteSink {
 public:
  FdSink(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  Result<> Write(std::string_view data) override;
  // In the kernel where it can (copy_file_range, sendfile).
  Result<> WriteFromFile(int fd, std::uint64_t offset, std::uint64_t size, std::string_view name) override;

 private:
  int fd_;
  std::string name_;
};

// Reads from an fd that the caller keeps open, from its current position.
class FdSource final : public ByteSource {
 public:
  FdSource(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  Result<std::size_t> Read(std::span<char> buffer) override;

 private:
  int fd_;
  std::string name_;
};

// Passes bytes on and hashes them on the way. `next` may be null: only hash and count.
class HashingSink final : public ByteSink {
 public:
  explicit HashingSink(ByteSink* next) : next_(next) {}
  Result<> Write(std::string_view data) override;
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // Ends the hash; call it once.
  [[nodiscard]] Digest Finish() { return hash_.Finish(); }

 private:
  ByteSink* next_;
  Sha256 hash_;
  std::uint64_t size_ = 0;
};

}  // namespace loam::content
