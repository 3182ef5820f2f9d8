#include <fmt/format.h>
#include <isa-l.h>
#include <zstd.h>

#include <cstring>

#include "base/check.h"
#include "runtime-executor/content/compression.h"

namespace loam::content {
namespace {

constexpr std::size_t kInputSize = 256 * 1024;

tl::unexpected<Error> Damaged(std::string_view what) {
  return Unexpected(ErrorCode::kDataLoss, std::string(what));
}

// What was read to detect the type, then the rest.
class PrefixedInput {
 public:
  PrefixedInput(ByteSource& in, std::string head) : in_(in), buffer_(std::move(head)) {}

  // The bytes not yet taken; reads more if there are none. Empty at the end.
  Result<std::string_view> Peek() {
    if (taken_ == buffer_.size()) {
      buffer_.resize(kInputSize);
      const std::size_t count = LOAM_TRY(in_.Read(buffer_));
      buffer_.resize(count);
      taken_ = 0;
    }
    return std::string_view(buffer_).substr(taken_);
  }
  void Take(std::size_t count) { taken_ += count; }

 private:
  ByteSource& in_;
  std::string buffer_;
  std::size_t taken_ = 0;
};

class VerbatimSource final : public ByteSource {
 public:
  VerbatimSource(ByteSource& in, std::string head) : in_(in), head_(std::move(head)) {}
  Result<std::size_t> Read(std::span<char> buffer) override {
    if (taken_ == head_.size()) {
      return in_.Read(buffer);
    }
    const std::size_t count = head_.copy(buffer.data(), buffer.size(), taken_);
    taken_ += count;
    return count;
  }

 private:
  ByteSource& in_;
  std::string head_;
  std::size_t taken_ = 0;
};

class GzipSource final : public ByteSource {
 public:
  GzipSource(ByteSource& in, std::string head) : input_(in, std::move(head)) { StartMember(); }

  Result<std::size_t> Read(std::span<char> buffer) override {
    while (true) {
      const std::string_view input = LOAM_TRY(input_.Peek());
      if (input.empty()) {
        if (between_members_) {
          return std::size_t{0};
        }
        if (last_round_filled_output_) {
          // The inflater may still hold output that did not fit.
        } else {
          return Damaged("gzip data is cut off");
        }
      }
      if (between_members_) {
        if (input.front() == '\0') {
          // Padding after the last member, as gzip(1) allows.
          input_.Take(1);
          continue;
        }
        StartMember();
      }
      state_.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(input.data()));
      state_.avail_in = static_cast<std::uint32_t>(input.size());
      state_.next_out = reinterpret_cast<std::uint8_t*>(buffer.data());
      state_.avail_out = static_cast<std::uint32_t>(std::min<std::size_t>(buffer.size(), 1U << 30U));
      const std::uint32_t room = state_.avail_out;
      const int code = ::isal_inflate(&state_);
      input_.Take(input.size() - state_.avail_in);
      const std::uint32_t produced = room - state_.avail_out;
      if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT) {
        return Damaged(fmt::format("gzip data is damaged ({})", Reason(code)));
      }
      between_members_ = state_.block_state == ISAL_BLOCK_FINISH;
      last_round_filled_output_ = state_.avail_out == 0;
      if (produced > 0) {
        return static_cast<std::size_t>(produced);
      }
      if (input.empty() && !between_members_) {
        return Damaged("gzip data is cut off");
      }
    }
  }

 private:
  static std::string_view Reason(int code) {
    switch (code) {
      case ISAL_INCORRECT_CHECKSUM:
        return "wrong checksum";
      case ISAL_INVALID_WRAPPER:
        return "bad header";
      case ISAL_UNSUPPORTED_METHOD:
        return "unknown method";
      default:
        return "bad deflate data";
    }
  }

  void StartMember() {
    ::isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP;
    between_members_ = false;
    last_round_filled_output_ = false;
  }

  PrefixedInput input_;
  inflate_state state_;
  bool between_members_ = false;
  bool last_round_filled_output_ = false;
};

class ZstdSource final : public ByteSource {
 public:
  ZstdSource(ByteSource& in, std::string head) : input_(in, std::move(head)), context_(::ZSTD_createDCtx()) {
    LOAM_CHECK(context_ != nullptr, "zstd cannot be initialised");
  }
  ~ZstdSource() override { ::ZSTD_freeDCtx(context_); }
  ZstdSource(const ZstdSource&) = delete;
  ZstdSource& operator=(const ZstdSource&) = delete;

  Result<std::size_t> Read(std::span<char> buffer) override {
    ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
    while (true) {
      const std::string_view input = LOAM_TRY(input_.Peek());
      if (input.empty() && frame_ended_) {
        return std::size_t{0};
      }
      ZSTD_inBuffer in{input.data(), input.size(), 0};
      const std::size_t code = ::ZSTD_decompressStream(context_, &out, &in);
      if (::ZSTD_isError(code) != 0) {
        return Damaged(fmt::format("zstd data is damaged ({})", ::ZSTD_getErrorName(code)));
      }
      input_.Take(in.pos);
      frame_ended_ = code == 0;
      if (out.pos > 0) {
        return out.pos;
      }
      if (input.empty() && !frame_ended_) {
        return Damaged("zstd data is cut off");
      }
    }
  }

 private:
  PrefixedInput input_;
  ZSTD_DCtx* context_;
  bool frame_ended_ = false;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> OpenDecompressor(ByteSource& in) {
  std::string head(4, '\0');
  head.resize(LOAM_TRY(ReadFull(in, head)));
  switch (DetectCompression(head)) {
    case CompressionType::kUncompressed:
      return std::unique_ptr<ByteSource>(std::make_unique<VerbatimSource>(in, std::move(head)));
    case CompressionType::kGzip:
      return std::unique_ptr<ByteSource>(std::make_unique<GzipSource>(in, std::move(head)));
    case CompressionType::kZstd:
      return std::unique_ptr<ByteSource>(std::make_unique<ZstdSource>(in, std::move(head)));
  }
  return Unexpected(ErrorCode::kInternal, "unknown compression type");
}

}  // namespace loam::content
