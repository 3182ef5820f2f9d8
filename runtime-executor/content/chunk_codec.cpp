#include "runtime-executor/content/chunk_codec.h"

#include <fmt/format.h>

namespace loam::content {
namespace {

constexpr std::size_t kVerbatimChunkSize = 1U << 20U;
constexpr int kMaxGzipLevel = 9;
constexpr int kMaxZstdLevel = 22;

class VerbatimCodec final : public ChunkCodec {
 public:
  [[nodiscard]] std::size_t chunk_size() const override { return kVerbatimChunkSize; }
  Result<> Compress(std::string_view chunk, CompressedChunk& out) override {
    out.verbatim = true;
    out.size = chunk.size();
    return {};
  }
};

}  // namespace

Result<std::shared_ptr<ChunkCodec>> MakeChunkCodec(const Compression& compression) {
  const int max_level = compression.type == CompressionType::kZstd ? kMaxZstdLevel : kMaxGzipLevel;
  if (compression.type != CompressionType::kUncompressed && compression.level &&
      (*compression.level < 0 || *compression.level > max_level)) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("compression level {} is out of range: {} has 0 to {}", *compression.level,
                                  CompressionName(compression.type), max_level));
  }
  switch (compression.type) {
    case CompressionType::kUncompressed:
      return std::make_shared<VerbatimCodec>();
    case CompressionType::kGzip:
      return MakeGzipCodec(compression.level);
    case CompressionType::kZstd:
      return MakeZstdCodec(compression.level);
  }
  return Unexpected(ErrorCode::kInternal, "unknown compression type");
}

}  // namespace loam::content
