#include "runtime-executor/cache/preimage_codec.h"

#include <zstd.h>

#include "runtime-executor/cache/byte_codec.h"

namespace loam::cache {
namespace {

constexpr int kLevel = 1;
// What a damaged size may make us allocate at most.
constexpr std::uint64_t kMaxBlob = std::uint64_t{1} << 30;

}  // namespace

std::string CompressBlob(std::string_view bytes) {
  std::string compressed(ZSTD_compressBound(bytes.size()), '\0');
  compressed.resize(ZSTD_compress(compressed.data(), compressed.size(), bytes.data(), bytes.size(), kLevel));
  return compressed;
}

Result<std::string> DecompressBlob(std::string_view bytes) {
  const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size > kMaxBlob) {  // the error values are the largest numbers
    return Unexpected(ErrorCode::kDataLoss, "a compressed blob of the cache database is damaged");
  }
  std::string text(size, '\0');
  const std::size_t got = ZSTD_decompress(text.data(), text.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(got) != 0 || got != size) {
    return Unexpected(ErrorCode::kDataLoss, "a compressed blob of the cache database is damaged");
  }
  return text;
}

std::string EncodePreimage(const solver::Preimage& preimage) {
  ByteWriter writer;
  writer.Int(preimage.fields.size());
  for (const auto& field : preimage.fields) {
    writer.Text(field.name);
    writer.Text(field.value);
  }
  writer.Int(preimage.files.size());
  for (const auto& file : preimage.files) {
    writer.Text(file.path);
    writer.Hash(file.digest);
  }
  return CompressBlob(writer.Take());
}

Result<solver::Preimage> DecodePreimage(std::string_view bytes) {
  const std::string text = LOAM_TRY(DecompressBlob(bytes));
  ByteReader reader(text);
  solver::Preimage preimage;
  preimage.fields.resize(LOAM_TRY(reader.Count()));
  for (auto& field : preimage.fields) {
    field.name = LOAM_TRY(reader.Text());
    field.value = LOAM_TRY(reader.Text());
  }
  preimage.files.resize(LOAM_TRY(reader.Count()));
  for (auto& file : preimage.files) {
    file.path = LOAM_TRY(reader.Text());
    file.digest = LOAM_TRY(reader.Hash());
  }
  if (!reader.at_end()) {
    return Unexpected(ErrorCode::kDataLoss, "the bytes of a preimage are damaged");
  }
  return preimage;
}

}  // namespace loam::cache
