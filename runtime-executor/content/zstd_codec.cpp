// zstd (RFC 8878): every chunk is a frame of its own; frames follow each other.
#include <fmt/format.h>
#include <zstd.h>

#include "base/check.h"
#include "runtime-executor/content/chunk_codec.h"
#include "runtime-executor/content/scratch_list.h"

namespace loam::content {
namespace {

// A frame sees only itself, so what repeats further away costs again: on files of 4 MiB that repeat themselves frames
// of 2 MiB are twice as large as these, and those of 8 MiB hardly smaller.
constexpr int kWindowLog = 22;
constexpr std::size_t kChunkSize = std::size_t{1} << kWindowLog;
// As small as level 3 on layer-like data, in less time.
constexpr int kDefaultLevel = 2;

struct ZstdScratch {
  ZstdScratch() : context(::ZSTD_createCCtx()) { LOAM_CHECK(context != nullptr, "zstd cannot be initialised"); }
  ~ZstdScratch() { ::ZSTD_freeCCtx(context); }
  ZstdScratch(const ZstdScratch&) = delete;
  ZstdScratch& operator=(const ZstdScratch&) = delete;
  ZSTD_CCtx* context;
};

class ZstdCodec final : public ChunkCodec {
 public:
  explicit ZstdCodec(int level) : level_(level) {}

  [[nodiscard]] std::size_t chunk_size() const override { return kChunkSize; }

  Result<> Compress(std::string_view chunk, CompressedChunk& out) override {
    const auto scratch = scratch_.Take([] { return std::make_unique<ZstdScratch>(); });
    out.buffer.Reserve(::ZSTD_compressBound(chunk.size()));
    // The fast levels would look less far back than the frame reaches.
    ::ZSTD_CCtx_setParameter(scratch->context, ZSTD_c_compressionLevel, level_);
    ::ZSTD_CCtx_setParameter(scratch->context, ZSTD_c_windowLog, kWindowLog);
    out.size = ::ZSTD_compress2(scratch->context, out.buffer.data(), out.buffer.capacity(), chunk.data(), chunk.size());
    if (::ZSTD_isError(out.size) != 0) {
      return Unexpected(ErrorCode::kInternal, fmt::format("zstd failed: {}", ::ZSTD_getErrorName(out.size)));
    }
    return {};
  }

 private:
  int level_;
  ScratchList<ZstdScratch> scratch_;
};

}  // namespace

std::shared_ptr<ChunkCodec> MakeZstdCodec(std::optional<int> level) {
  // 0 is the fastest level here; to the library it would be the default.
  const int chosen = level.value_or(kDefaultLevel);
  return std::make_shared<ZstdCodec>(chosen == 0 ? 1 : chosen);
}

}  // namespace loam::content
