// ChunkCodec: compression of one chunk of a stream, independent of all others, so that chunks can be worked on in any
// order on any thread. The compressed stream is Header, the chunks in order, Trailer.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime-executor/content/compression.h"

namespace loam::content {

// Bytes that are not zeroed when they are made.
class RawBuffer {
 public:
  void Reserve(std::size_t capacity) {
    if (capacity > capacity_) {
      data_.reset(new char[capacity]);
      capacity_ = capacity;
    }
  }
  [[nodiscard]] char* data() { return data_.get(); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
};

struct CompressedChunk {
  RawBuffer buffer;
  std::size_t size = 0;
  // The chunk is stored as it is and nothing was copied to `buffer`.
  bool verbatim = false;
  // Checksum of the uncompressed chunk if the format needs one.
  std::uint32_t checksum = 0;
};

// Thread-safe.
class ChunkCodec {
 public:
  virtual ~ChunkCodec() = default;
  [[nodiscard]] virtual std::size_t chunk_size() const = 0;
  [[nodiscard]] virtual std::string Header() const { return {}; }
  virtual Result<> Compress(std::string_view chunk, CompressedChunk& out) = 0;
  // The checksum of two parts joined, `size` being the length of the second.
  [[nodiscard]] virtual std::uint32_t Combine(std::uint32_t /*first*/, std::uint32_t /*second*/,
                                              std::size_t /*size*/) const {
    return 0;
  }
  // `total` is the size of the uncompressed stream.
  [[nodiscard]] virtual std::string Trailer(std::uint32_t /*checksum*/, std::uint64_t /*total*/) const { return {}; }
};

// kInvalidArgument for a level that the type does not have.
Result<std::shared_ptr<ChunkCodec>> MakeChunkCodec(const Compression& compression);
std::shared_ptr<ChunkCodec> MakeGzipCodec(std::optional<int> level);
std::shared_ptr<ChunkCodec> MakeZstdCodec(std::optional<int> level);

}  // namespace loam::content
