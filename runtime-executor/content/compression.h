// Compression of layers. Compressors cut the stream into chunks of a fixed size, compress them on the threads of a
// CodecPool and join the results, so that the output depends on the input, type and level only, not on the threads.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"
#include "runtime-executor/content/byte_stream.h"

namespace loam::content {

enum class CompressionType : std::uint8_t { kUncompressed, kGzip, kZstd };

// "uncompressed", "gzip", "zstd": as exporter attributes and BuildKit's metadata spell them.
std::string_view CompressionName(CompressionType type);
// kUnimplemented for "estargz", kInvalidArgument for anything else unknown.
Result<CompressionType> ParseCompression(std::string_view name);

struct Compression {
  CompressionType type = CompressionType::kGzip;
  // gzip 0-9, zstd 0-22; nullopt: a fast level, gzip by igzip 1 and zstd 2.
  std::optional<int> level;
};

// The layer media type of the type; kOci… or kDocker….
std::string_view LayerMediaType(CompressionType type, bool oci);
// By media type; kUnimplemented for an unknown suffix, kUncompressed for plain tar.
Result<CompressionType> CompressionOfMediaType(std::string_view media_type);
// By the first bytes of the data (4 are enough).
CompressionType DetectCompression(std::string_view head);

// Threads for chunk work, shared by all compressors of a process; started when first used. Thread-safe.
class CodecPool {
 public:
  // 0: one thread a core.
  explicit CodecPool(std::size_t threads = 0);
  ~CodecPool();
  CodecPool(const CodecPool&) = delete;

  struct State;
  [[nodiscard]] State& state();
  [[nodiscard]] std::size_t threads() const { return threads_; }

 private:
  std::size_t threads_;
  std::once_flag started_;
  std::unique_ptr<State> state_;
};

struct StreamSummary {
  // Of the uncompressed stream: for a layer its diffID.
  Digest digest;
  std::uint64_t size = 0;
};

// Write the uncompressed stream into it; compressed bytes go to `out` in order, from threads of the pool (one at a
// time). Reading files by WriteFromFile, hashing, compressing and writing out all overlap. A failure of `out` comes
// back from a later Write or from Finish. Dropping it without Finish abandons the stream (and waits for work under
// way).
class Compressor : public ByteSink {
 public:
  static Result<std::unique_ptr<Compressor>> Create(CodecPool& pool, const Compression& compression, ByteSink& out);
  // Writes the rest and the trailer; `out` has everything when it returns.
  virtual Result<StreamSummary> Finish() = 0;
};

// The uncompressed bytes of `in`, whose compression is detected from its first bytes (gzip, also of several members;
// zstd, also of several frames; anything else is passed through). Damaged or cut-off data is kDataLoss. Keeps `in`.
Result<std::unique_ptr<ByteSource>> OpenDecompressor(ByteSource& in);

// The same, decompressed and hashed ahead on threads of its own, so that the reader's work overlaps with it.
class LayerReader : public ByteSource {
 public:
  // Keeps `in`.
  static Result<std::unique_ptr<LayerReader>> Open(ByteSource& in);
  // Reads what is left and gives the diffID and size of the whole stream.
  virtual Result<StreamSummary> Finish() = 0;
};

}  // namespace loam::content
