// gzip (RFC 1952) as one member: every chunk is compressed on its own and ends byte-aligned by a flush, so that the
// chunks' deflate blocks can be put one after another; the CRCs are combined. Level 1 to 3 and the default are igzip's,
// 0 and 4 to 9 are zlib's.
#include <fmt/format.h>
#include <isa-l.h>
#include <zlib.h>

#include "base/check.h"
#include "runtime-executor/content/chunk_codec.h"
#include "runtime-executor/content/scratch_list.h"

namespace loam::content {
namespace {

constexpr std::size_t kChunkSize = 1U << 20U;
constexpr int kDefaultLevel = 1;
constexpr int kHighestIgzipLevel = 3;

// No name, no time, unknown system (255), as every run has to give the same bytes.
constexpr std::string_view kHeader("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10);
// An empty last block with fixed Huffman codes.
constexpr std::string_view kLastBlock("\x03\x00", 2);

std::size_t FirstBound(std::size_t size) {
  return size + size / 16 + 4096;
}

void AppendLittleEndian(std::string& text, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    text.push_back(static_cast<char>((value >> static_cast<unsigned>(shift)) & 0xffU));
  }
}

class GzipCodec : public ChunkCodec {
 public:
  [[nodiscard]] std::size_t chunk_size() const override { return kChunkSize; }
  [[nodiscard]] std::string Header() const override { return std::string(kHeader); }
  [[nodiscard]] std::uint32_t Combine(std::uint32_t first, std::uint32_t second, std::size_t size) const override {
    return static_cast<std::uint32_t>(::crc32_combine(first, second, static_cast<z_off_t>(size)));
  }
  [[nodiscard]] std::string Trailer(std::uint32_t checksum, std::uint64_t total) const override {
    std::string trailer(kLastBlock);
    AppendLittleEndian(trailer, checksum);
    AppendLittleEndian(trailer, static_cast<std::uint32_t>(total));
    return trailer;
  }

 protected:
  static std::uint32_t Checksum(std::string_view chunk) {
    return ::crc32_gzip_refl(0, reinterpret_cast<const unsigned char*>(chunk.data()), chunk.size());
  }
};

struct IgzipScratch {
  isal_zstream stream;
  std::vector<std::uint8_t> level_buffer;
};

class IgzipCodec final : public GzipCodec {
 public:
  explicit IgzipCodec(int level) : level_(level) {}

  Result<> Compress(std::string_view chunk, CompressedChunk& out) override {
    out.checksum = Checksum(chunk);
    const auto scratch = scratch_.Take([] { return std::make_unique<IgzipScratch>(); });
    isal_zstream& stream = scratch->stream;
    ::isal_deflate_init(&stream);
    scratch->level_buffer.resize(LevelBufferSize());
    stream.level = static_cast<std::uint32_t>(level_);
    stream.level_buf = scratch->level_buffer.data();
    stream.level_buf_size = static_cast<std::uint32_t>(scratch->level_buffer.size());
    stream.gzip_flag = IGZIP_DEFLATE;
    stream.flush = FULL_FLUSH;
    stream.end_of_stream = 0;
    // isal_deflate does not write to its input.
    stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(chunk.data()));
    stream.avail_in = static_cast<std::uint32_t>(chunk.size());
    // Twice what is needed for data that cannot be compressed: the stream is never cut, so one call does it.
    out.buffer.Reserve(2 * FirstBound(chunk.size()));
    stream.next_out = reinterpret_cast<std::uint8_t*>(out.buffer.data());
    stream.avail_out = static_cast<std::uint32_t>(out.buffer.capacity());
    const int code = ::isal_deflate(&stream);
    if (code != COMP_OK || stream.avail_in != 0 || stream.avail_out == 0) {
      return Unexpected(ErrorCode::kInternal, fmt::format("igzip failed with {}", code));
    }
    out.size = stream.total_out;
    return {};
  }

 private:
  [[nodiscard]] std::size_t LevelBufferSize() const {
    return level_ == 1 ? ISAL_DEF_LVL1_DEFAULT : level_ == 2 ? ISAL_DEF_LVL2_DEFAULT : ISAL_DEF_LVL3_DEFAULT;
  }

  int level_;
  ScratchList<IgzipScratch> scratch_;
};

struct ZlibScratch {
  explicit ZlibScratch(int level) {
    const int code = ::deflateInit2(&stream, level, Z_DEFLATED, -MAX_WBITS, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY);
    LOAM_CHECK(code == Z_OK, "zlib cannot be initialised");
  }
  ~ZlibScratch() { ::deflateEnd(&stream); }
  ZlibScratch(const ZlibScratch&) = delete;
  ZlibScratch& operator=(const ZlibScratch&) = delete;
  z_stream stream{};
};

class ZlibCodec final : public GzipCodec {
 public:
  explicit ZlibCodec(int level) : level_(level) {}

  Result<> Compress(std::string_view chunk, CompressedChunk& out) override {
    out.checksum = Checksum(chunk);
    const auto scratch = scratch_.Take([this] { return std::make_unique<ZlibScratch>(level_); });
    z_stream& stream = scratch->stream;
    ::deflateReset(&stream);
    out.buffer.Reserve(::deflateBound(&stream, chunk.size()) + 64);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(chunk.data()));
    stream.avail_in = static_cast<uInt>(chunk.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.buffer.data());
    stream.avail_out = static_cast<uInt>(out.buffer.capacity());
    const int code = ::deflate(&stream, Z_FULL_FLUSH);
    if (code != Z_OK || stream.avail_in != 0 || stream.avail_out == 0) {
      return Unexpected(ErrorCode::kInternal, fmt::format("zlib failed with {}", code));
    }
    out.size = stream.total_out;
    return {};
  }

 private:
  int level_;
  ScratchList<ZlibScratch> scratch_;
};

}  // namespace

std::shared_ptr<ChunkCodec> MakeGzipCodec(std::optional<int> level) {
  const int chosen = level.value_or(kDefaultLevel);
  if (chosen >= 1 && chosen <= kHighestIgzipLevel) {
    return std::make_shared<IgzipCodec>(chosen);
  }
  return std::make_shared<ZlibCodec>(chosen);
}

}  // namespace loam::content
