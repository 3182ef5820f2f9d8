// Bytes -> decompression -> tar reader: all entries and their contents. Nothing is unpacked, so it needs no rights.
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/check.h"
#include "runtime-executor/content/byte_stream.h"
#include "runtime-executor/content/compression.h"
#include "runtime-executor/snapshot/tar_format.h"
#include "tests/fuzz/target.h"

namespace {

using namespace loam;

// Small inputs may compress very much; more than this is not read.
constexpr std::uint64_t kMaxContents = std::uint64_t{16} << 20;

Result<> ReadTar(content::ByteSource& source) {
  snapshot::TarReader reader(source);
  snapshot::TarEntry entry;
  std::array<char, 1000> buffer;
  std::uint64_t total = 0;
  while (LOAM_TRY(reader.Next(&entry))) {
    std::uint64_t previous_end = 0;
    for (const auto& [offset, size] : entry.pieces) {
      LOAM_CHECK(offset >= previous_end && size <= entry.size && offset <= entry.size - size,
                 "a piece is out of bounds");
      previous_end = offset + size;
    }
    LOAM_CHECK(entry.size <= INT64_MAX, "a size is negative");
    for (std::size_t got = 1; got != 0;) {
      got = LOAM_TRY(reader.Read(buffer));
      total += got;
      if (total > kMaxContents) {
        return {};
      }
    }
  }
  return reader.Drain();
}

Result<> ReadLayer(std::string_view bytes) {
  content::StringSource compressed(bytes);
  const auto plain = LOAM_TRY(content::OpenDecompressor(compressed));
  return ReadTar(*plain);
}

// Every block that looks like a header gets its right checksum: a changed one would be refused at once.
std::string WithChecksums(std::string bytes) {
  constexpr std::size_t kBlock = 512;
  for (std::size_t block = 0; block + kBlock <= bytes.size(); block += kBlock) {
    if (bytes.compare(block + 257, 5, "ustar") != 0) {
      continue;
    }
    bytes.replace(block + 148, 8, 8, ' ');
    unsigned sum = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      sum += static_cast<unsigned char>(bytes[block + i]);
    }
    bytes.replace(block + 148, 7, fmt::format("{:06o}", sum) + '\0');
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Errors are the right answer to most inputs.
  static_cast<void>(ReadLayer(bytes));
  static_cast<void>(ReadLayer(WithChecksums(std::string(bytes))));
  return 0;
}
