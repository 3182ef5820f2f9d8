#include "runtime-executor/exporter/archive_writer.h"

#include <fmt/format.h>

#include "base/check.h"

namespace loam::exporter {
namespace {

// POSIX.1 ustar; a size beyond 8 GiB in GNU's base-256 form, as Go's archive/tar reads it.
constexpr std::size_t kBlockSize = 512;
constexpr std::size_t kNameSize = 100;
constexpr std::uint64_t kMaxOctalSize = (std::uint64_t{1} << 33U) - 1;

struct Header {
  char name[kNameSize];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link_name[100];
  char magic[6];
  char version[2];
  char user[32];
  char group[32];
  char device_major[8];
  char device_minor[8];
  char prefix[155];
  char padding[12];
};
static_assert(sizeof(Header) == kBlockSize);

template <std::size_t N>
void PutOctal(char (&field)[N], std::uint64_t value) {
  const std::string text = fmt::format("{:0{}o}", value, N - 1);
  LOAM_CHECK(text.size() == N - 1, "number does not fit into its tar field");
  std::memcpy(field, text.data(), text.size());
}

}  // namespace

Result<> ArchiveWriter::AddHeader(std::string_view name, char type, std::uint32_t mode, std::uint64_t size) {
  LOAM_CHECK(name.size() <= kNameSize, "name too long for an image archive");
  Header header{};
  name.copy(header.name, name.size());
  PutOctal(header.mode, mode);
  PutOctal(header.uid, 0);
  PutOctal(header.gid, 0);
  PutOctal(header.mtime, 0);
  if (size <= kMaxOctalSize) {
    PutOctal(header.size, size);
  } else {
    header.size[0] = static_cast<char>(0x80);
    for (std::size_t i = 0; i < 8; ++i) {
      header.size[11 - i] = static_cast<char>((size >> (8 * i)) & 0xffU);
    }
  }
  header.type = type;
  std::memcpy(header.magic, size <= kMaxOctalSize ? "ustar\0" : "ustar ", 6);
  std::memcpy(header.version, size <= kMaxOctalSize ? "00" : " \0", 2);
  std::memset(header.checksum, ' ', sizeof(header.checksum));
  std::uint32_t sum = 0;
  const std::string_view bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  for (const char byte : bytes) {
    sum += static_cast<unsigned char>(byte);
  }
  const std::string text = fmt::format("{:06o}", sum);
  std::memcpy(header.checksum, text.c_str(), 7);
  return sink_.Write(bytes);
}

Result<> ArchiveWriter::Pad(std::uint64_t size) {
  static constexpr char kZeros[kBlockSize] = {};
  const std::size_t rest = static_cast<std::size_t>(size % kBlockSize);
  return rest == 0 ? Result<>() : sink_.Write(std::string_view(kZeros, kBlockSize - rest));
}

Result<> ArchiveWriter::AddDirectory(std::string_view name) {
  return AddHeader(name, '5', 0755, 0);
}

Result<> ArchiveWriter::AddFile(std::string_view name, std::string_view data, std::uint32_t mode) {
  LOAM_TRY(AddHeader(name, '0', mode, data.size()));
  LOAM_TRY(sink_.Write(data));
  return Pad(data.size());
}

Result<> ArchiveWriter::AddBlob(std::string_view name, const content::Blob& blob) {
  LOAM_TRY(AddHeader(name, '0', 0444, blob.size()));
  LOAM_TRY(sink_.WriteFromFile(blob.fd(), 0, blob.size(), name));
  return Pad(blob.size());
}

Result<> ArchiveWriter::Finish() {
  const std::string end(2 * kBlockSize, '\0');
  return sink_.Write(end);
}

}  // namespace loam::exporter
