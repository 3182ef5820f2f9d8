#include "runtime-executor/cache/byte_codec.h"

#include <algorithm>

namespace loam::cache {
namespace {

tl::unexpected<Error> Damaged() {
  return Unexpected(ErrorCode::kDataLoss, "the bytes of a cache record are damaged");
}

}  // namespace

void ByteWriter::Int(std::uint64_t value) {
  while (value >= 0x80) {
    bytes_.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  bytes_.push_back(static_cast<char>(value));
}

void ByteWriter::Text(std::string_view text) {
  Int(text.size());
  bytes_ += text;
}

void ByteWriter::Hash(const Digest& digest) {
  for (const std::uint8_t byte : digest.bytes()) {
    bytes_.push_back(static_cast<char>(byte));
  }
}

Result<std::uint64_t> ByteReader::Int() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) {
      return value;
    }
  }
  return Damaged();
}

Result<std::string> ByteReader::Text() {
  const std::uint64_t size = LOAM_TRY(Int());
  if (size > bytes_.size()) {
    return Damaged();
  }
  std::string text(bytes_.substr(0, size));
  bytes_.remove_prefix(size);
  return text;
}

Result<Digest> ByteReader::Hash() {
  Digest::Bytes bytes{};
  if (bytes_.size() < bytes.size()) {
    return Damaged();
  }
  std::copy_n(bytes_.begin(), bytes.size(), bytes.begin());
  bytes_.remove_prefix(bytes.size());
  return bytes == Digest::Bytes{} ? Digest() : Digest(bytes);
}

Result<std::size_t> ByteReader::Count() {
  const std::uint64_t count = LOAM_TRY(Int());
  if (count > bytes_.size()) {
    return Damaged();
  }
  return static_cast<std::size_t>(count);
}

}  // namespace loam::cache
