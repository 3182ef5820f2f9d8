#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "runtime-executor/snapshot/tar_format.h"

namespace loam::snapshot {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::uint64_t kMaxOctal7 = 07777777;
constexpr std::uint64_t kMaxOctal11 = 077777777777;

struct Block {
  std::array<char, kBlock> bytes{};

  void Text(std::size_t at, std::size_t size, std::string_view text) {
    std::memcpy(bytes.data() + at, text.data(), std::min(size, text.size()));
  }
  // size-1 octal digits and a NUL.
  void Octal(std::size_t at, std::size_t size, std::uint64_t value) {
    Text(at, size, fmt::format("{:0{}o}", value, size - 1));
  }
  std::string_view Seal() {
    Text(148, 8, "        ");
    unsigned sum = 0;
    for (const char c : bytes) {
      sum += static_cast<unsigned char>(c);
    }
    Text(148, 8, fmt::format("{:06o}", sum));
    bytes[154] = '\0';
    return {bytes.data(), bytes.size()};
  }
};

void AddRecord(std::string* out, std::string_view key, std::string_view value) {
  // The length counts its own digits.
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) {
    length = std::to_string(length).size() + rest;
  }
  *out += fmt::format("{} {}={}\n", length, key, value);
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

Block MakeBlock(std::string_view path, char type, std::uint64_t size) {
  Block block;
  block.Text(0, 100, path);
  block.Octal(124, 12, size);
  block.bytes[156] = type;
  block.Text(257, 8,
             std::string_view("ustar\0"
                              "00",
                              8));
  return block;
}

Result<> Pad(content::ByteSink& sink, std::uint64_t size) {
  static constexpr std::array<char, kBlock> kZeros{};
  const std::size_t rest = size % kBlock;
  if (rest != 0) {
    LOAM_TRY(sink.Write({kZeros.data(), kBlock - rest}));
  }
  return {};
}

}  // namespace

Result<> TarWriter::Header(const TarEntry& entry) {
  const std::uint64_t size = entry.type == '0' ? entry.size : 0;
  std::string pax;
  // The keys in the order of their bytes.
  std::map<std::string, std::string> records;
  if (entry.path.size() > 100 || !IsAscii(entry.path)) {
    records["path"] = entry.path;
  }
  if (entry.link.size() > 100 || !IsAscii(entry.link)) {
    records["linkpath"] = entry.link;
  }
  if (size > kMaxOctal11) {
    records["size"] = std::to_string(size);
  }
  if (entry.uid > kMaxOctal7) {
    records["uid"] = std::to_string(entry.uid);
  }
  if (entry.gid > kMaxOctal7) {
    records["gid"] = std::to_string(entry.gid);
  }
  const bool plain_time = entry.mtime.tv_sec >= 0 && static_cast<std::uint64_t>(entry.mtime.tv_sec) <= kMaxOctal11;
  if (!plain_time) {
    records["mtime"] = std::to_string(entry.mtime.tv_sec);
  }
  for (const auto& [key, value] : entry.xattrs) {
    records["SCHILY.xattr." + key] = value;
  }
  for (const auto& [key, value] : records) {
    AddRecord(&pax, key, value);
  }
  if (!pax.empty()) {
    Block block = MakeBlock(
        "PaxHeaders.0/" + entry.path.substr(entry.path.find_last_of('/', entry.path.size() - 2) + 1), 'x', pax.size());
    block.Octal(100, 8, 0644);
    block.Octal(108, 8, 0);
    block.Octal(116, 8, 0);
    block.Octal(136, 12, 0);
    LOAM_TRY(sink_.Write(block.Seal()));
    LOAM_TRY(sink_.Write(pax));
    LOAM_TRY(Pad(sink_, pax.size()));
  }
  Block block = MakeBlock(entry.path, entry.type, size > kMaxOctal11 ? 0 : size);
  block.Octal(100, 8, entry.mode & 07777U);
  block.Octal(108, 8, entry.uid > kMaxOctal7 ? 0 : entry.uid);
  block.Octal(116, 8, entry.gid > kMaxOctal7 ? 0 : entry.gid);
  block.Octal(136, 12, plain_time ? static_cast<std::uint64_t>(entry.mtime.tv_sec) : 0);
  block.Text(157, 100, entry.link);
  if (entry.type == '3' || entry.type == '4') {
    if (entry.dev_major > kMaxOctal7 || entry.dev_minor > kMaxOctal7) {
      return Unexpected(ErrorCode::kOutOfRange, fmt::format("device number of `{}` does not fit a tar", entry.path));
    }
    block.Octal(329, 8, entry.dev_major);
    block.Octal(337, 8, entry.dev_minor);
  } else {
    block.Octal(329, 8, 0);
    block.Octal(337, 8, 0);
  }
  return sink_.Write(block.Seal());
}

Result<> TarWriter::EndData(std::uint64_t size) {
  return Pad(sink_, size);
}

Result<> TarWriter::Finish() {
  static constexpr std::array<char, 2 * kBlock> kEnd{};
  return sink_.Write({kEnd.data(), kEnd.size()});
}

}  // namespace loam::snapshot
