// Length-prefixed values in a byte string: integers as varints, text with its length, digests as 32 bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"

namespace loam::cache {

class ByteWriter {
 public:
  void Int(std::uint64_t value);
  void Text(std::string_view text);
  // The empty digest is 32 zero bytes.
  void Hash(const Digest& digest);
  [[nodiscard]] std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Every call fails with kDataLoss when the bytes end too early.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}
  Result<std::uint64_t> Int();
  Result<std::string> Text();
  Result<Digest> Hash();
  // A number of elements, each of at least one byte, that follow.
  Result<std::size_t> Count();
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

}  // namespace loam::cache
