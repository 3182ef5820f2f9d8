#include <algorithm>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "base/strings.h"
#include "runtime-executor/snapshot/tar_format.h"

namespace loam::snapshot {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kBufferSize = 256 << 10;
// Extended headers larger than this are taken for an attack.
constexpr std::uint64_t kMaxExtendedHeader = 1 << 20;
constexpr std::size_t kMaxSparsePieces = 1 << 20;

tl::unexpected<Error> Damaged(std::string_view what) {
  return Unexpected(ErrorCode::kInvalidArgument, fmt::format("damaged tar archive: {}", what));
}

std::string_view Field(std::string_view header, std::size_t at, std::size_t size) {
  const std::string_view field = header.substr(at, size);
  return field.substr(0, field.find('\0'));
}

// Octal text or, with the high bit of the first byte, a big-endian binary number.
Result<std::int64_t> Number(std::string_view header, std::size_t at, std::size_t size) {
  const std::string_view field = header.substr(at, size);
  const auto first = static_cast<unsigned char>(field[0]);
  if ((first & 0x80U) != 0) {
    const bool negative = (first & 0x40U) != 0;
    std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
    for (std::size_t i = 0; i < size; ++i) {
      auto byte = static_cast<unsigned char>(field[i]);
      if (i == 0) {
        byte = negative ? static_cast<unsigned char>(byte | 0x80U) : static_cast<unsigned char>(byte & 0x7FU);
      }
      const std::uint64_t top = value >> 55U;
      if (top != (negative ? 0x1FFU : 0U)) {
        return Damaged("number out of range");
      }
      value = (value << 8U) | byte;
    }
    return static_cast<std::int64_t>(value);
  }
  std::string_view text = Field(header, at, size);
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  std::int64_t value = 0;
  if (!text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) {
      return Damaged("malformed number");
    }
  }
  return value;
}

Result<std::uint64_t> Decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > INT64_MAX) {
    return Damaged("malformed number in extended header");
  }
  return value;
}

Result<timespec> PaxTime(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) {
    text.remove_prefix(1);
  }
  const auto dot = text.find('.');
  timespec time{};
  time.tv_sec = static_cast<time_t>(LOAM_TRY(Decimal(text.substr(0, dot))));
  if (dot != std::string_view::npos) {
    std::string fraction(text.substr(dot + 1, 9));
    fraction.resize(9, '0');
    time.tv_nsec = static_cast<long>(LOAM_TRY(Decimal(fraction)));
  }
  if (negative) {
    time.tv_sec = -time.tv_sec;
    if (time.tv_nsec != 0) {
      time.tv_sec -= 1;
      time.tv_nsec = 1'000'000'000 - time.tv_nsec;
    }
  }
  return time;
}

using PaxRecords = std::vector<std::pair<std::string, std::string>>;

// "<length> <key>=<value>\n", the length counting itself.
Result<> ParsePax(std::string_view text, PaxRecords* records) {
  while (!text.empty() && text.front() != '\0') {
    const auto space = text.find(' ');
    if (space == std::string_view::npos || space == 0 || space > 10) {
      return Damaged("malformed extended header");
    }
    const std::uint64_t length = LOAM_TRY(Decimal(text.substr(0, space)));
    if (length <= space + 1 || length > text.size() || text[length - 1] != '\n') {
      return Damaged("malformed extended header");
    }
    const std::string_view record = text.substr(space + 1, length - space - 2);
    const auto equals = record.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Damaged("malformed extended header");
    }
    records->emplace_back(record.substr(0, equals), record.substr(equals + 1));
    text.remove_prefix(length);
  }
  return {};
}

Result<> CheckPieces(const TarEntry& entry, std::uint64_t stored) {
  std::uint64_t at = 0;
  std::uint64_t sum = 0;
  for (const auto& [offset, size] : entry.pieces) {
    if (offset < at || size > entry.size || offset > entry.size - size) {
      return Damaged("malformed sparse map");
    }
    at = offset + size;
    sum += size;
  }
  if (sum != stored) {
    return Damaged("sparse map does not fit the contents");
  }
  return {};
}

}  // namespace

TarReader::TarReader(content::ByteSource& source) : source_(source), buffer_(kBufferSize) {}

// Makes `size` bytes available in the buffer; false at the end of the source.
Result<bool> TarReader::Fill(std::size_t size) {
  if (end_ - begin_ >= size) {
    return true;
  }
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  while (end_ < size) {
    const std::size_t got = LOAM_TRY(source_.Read(std::span<char>(buffer_).subspan(end_)));
    if (got == 0) {
      return false;
    }
    end_ += got;
  }
  return true;
}

Result<std::size_t> TarReader::Read(std::span<char> buffer) {
  if (left_ == 0 || buffer.empty()) {
    return 0;
  }
  const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer.size()));
  std::size_t got = 0;
  if (begin_ < end_) {
    got = std::min(want, end_ - begin_);
    std::memcpy(buffer.data(), buffer_.data() + begin_, got);
    begin_ += got;
  } else {
    got = LOAM_TRY(source_.Read(buffer.first(want)));
    if (got == 0) {
      return Damaged("unexpected end");
    }
  }
  left_ -= got;
  return got;
}

Result<> TarReader::SkipRest() {
  left_ += padding_;
  padding_ = 0;
  while (left_ > 0) {
    if (begin_ == end_ && !LOAM_TRY(Fill(1))) {
      return Damaged("unexpected end");
    }
    const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, end_ - begin_));
    begin_ += take;
    left_ -= take;
  }
  return {};
}

Result<> TarReader::Drain() {
  LOAM_TRY(SkipRest());
  do {
    begin_ = end_ = 0;
  } while (LOAM_TRY(Fill(1)));
  return {};
}

Result<std::string> TarReader::TakeBlob(std::uint64_t size) {
  if (size > kMaxExtendedHeader) {
    return Damaged("extended header is too large");
  }
  left_ = size;
  padding_ = (kBlock - size % kBlock) % kBlock;
  std::string blob(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    have += LOAM_TRY(Read(std::span<char>(blob).subspan(have)));
  }
  LOAM_TRY(SkipRest());
  return blob;
}

Result<bool> TarReader::Next(TarEntry* entry) {
  LOAM_TRY(SkipRest());
  PaxRecords pax;
  std::string long_path;
  std::string long_link;
  while (true) {
    if (!LOAM_TRY(Fill(kBlock))) {
      if (end_ != begin_) {
        return Damaged("unexpected end");
      }
      return false;
    }
    const std::string header(buffer_.data() + begin_, kBlock);
    begin_ += kBlock;
    if (std::all_of(header.begin(), header.end(), [](char c) { return c == '\0'; })) {
      return false;
    }
    std::int64_t sum = 0;
    std::int64_t signed_sum = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      const char c = i >= 148 && i < 156 ? ' ' : header[i];
      sum += static_cast<unsigned char>(c);
      signed_sum += static_cast<signed char>(c);
    }
    const std::int64_t stated = LOAM_TRY(Number(header, 148, 8));
    if (stated != sum && stated != signed_sum) {
      return Damaged("wrong header checksum");
    }
    const std::int64_t stored_size = LOAM_TRY(Number(header, 124, 12));
    if (stored_size < 0) {
      return Damaged("negative size");
    }
    const char type = header[156];
    if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
      std::string blob = LOAM_TRY(TakeBlob(static_cast<std::uint64_t>(stored_size)));
      if (type == 'x') {
        LOAM_TRY(ParsePax(blob, &pax));
      } else if (type == 'L') {
        long_path = blob.substr(0, blob.find('\0'));
      } else if (type == 'K') {
        long_link = blob.substr(0, blob.find('\0'));
      }
      continue;
    }

    *entry = TarEntry{};
    entry->path = Field(header, 0, 100);
    const std::string_view magic = std::string_view(header).substr(257, 8);
    if (magic.starts_with(std::string_view("ustar\0", 6)) && header[345] != '\0') {
      entry->path = std::string(Field(header, 345, 155)) + "/" + entry->path;
    }
    if (!long_path.empty()) {
      entry->path = long_path;
    }
    entry->link = long_link.empty() ? std::string(Field(header, 157, 100)) : long_link;
    entry->mode = static_cast<std::uint32_t>(LOAM_TRY(Number(header, 100, 8))) & 07777U;
    entry->uid = static_cast<std::uint32_t>(LOAM_TRY(Number(header, 108, 8)));
    entry->gid = static_cast<std::uint32_t>(LOAM_TRY(Number(header, 116, 8)));
    entry->mtime.tv_sec = static_cast<time_t>(LOAM_TRY(Number(header, 136, 12)));
    if (magic.starts_with("ustar")) {
      entry->dev_major = static_cast<std::uint32_t>(LOAM_TRY(Number(header, 329, 8)));
      entry->dev_minor = static_cast<std::uint32_t>(LOAM_TRY(Number(header, 337, 8)));
    }
    auto stored = static_cast<std::uint64_t>(stored_size);
    bool pax_sparse = false;
    bool map_in_data = false;
    std::uint64_t real_size = 0;
    bool has_real_size = false;
    std::string sparse_name;
    for (const auto& [key, value] : pax) {
      if (key == "path") {
        entry->path = value;
      } else if (key == "linkpath") {
        entry->link = value;
      } else if (key == "size") {
        stored = LOAM_TRY(Decimal(value));
      } else if (key == "uid") {
        entry->uid = static_cast<std::uint32_t>(LOAM_TRY(Decimal(value)));
      } else if (key == "gid") {
        entry->gid = static_cast<std::uint32_t>(LOAM_TRY(Decimal(value)));
      } else if (key == "mtime") {
        entry->mtime = LOAM_TRY(PaxTime(value));
      } else if (key.starts_with("SCHILY.xattr.")) {
        entry->xattrs[key.substr(13)] = value;
      } else if (key == "GNU.sparse.major") {
        pax_sparse = true;
        map_in_data = value == "1";
      } else if (key == "GNU.sparse.name") {
        sparse_name = value;
      } else if (key == "GNU.sparse.realsize" || key == "GNU.sparse.size") {
        pax_sparse = true;
        has_real_size = true;
        real_size = LOAM_TRY(Decimal(value));
      } else if (key == "GNU.sparse.map") {
        const auto numbers = Split(value, ',');
        if (numbers.size() % 2 != 0 || numbers.size() > kMaxSparsePieces) {
          return Damaged("malformed sparse map");
        }
        for (std::size_t i = 0; i < numbers.size(); i += 2) {
          entry->pieces.emplace_back(LOAM_TRY(Decimal(numbers[i])), LOAM_TRY(Decimal(numbers[i + 1])));
        }
      } else if (key == "GNU.sparse.offset") {
        entry->pieces.emplace_back(LOAM_TRY(Decimal(value)), 0);
      } else if (key == "GNU.sparse.numbytes") {
        if (entry->pieces.empty()) {
          return Damaged("malformed sparse map");
        }
        entry->pieces.back().second = LOAM_TRY(Decimal(value));
      }
    }
    switch (type) {
      case '\0':
      case '0':
      case '7':
        entry->type = entry->path.ends_with('/') ? '5' : '0';
        break;
      case 'S':
        entry->type = '0';
        break;
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
        entry->type = type;
        break;
      default:
        return Damaged(fmt::format("entry `{}` has unknown type {:#x}", entry->path, static_cast<unsigned char>(type)));
    }
    // Only files have contents; some writers state a size for links all the same.
    if (entry->type != '0') {
      stored = 0;
    }
    left_ = stored;
    padding_ = (kBlock - stored % kBlock) % kBlock;
    entry->size = stored;
    if (entry->type == '0' && type == 'S') {
      LOAM_TRY(ReadGnuSparseMap(header, entry));
    } else if (entry->type == '0' && pax_sparse) {
      entry->sparse = true;
      if (has_real_size) {
        entry->size = real_size;
      }
      if (!sparse_name.empty()) {
        entry->path = sparse_name;
      }
      if (map_in_data) {
        LOAM_TRY(ReadPaxSparseMap(entry));
      }
      LOAM_TRY(CheckPieces(*entry, left_));
    } else {
      // Records of a sparse map at an entry that is no sparse file mean nothing.
      entry->pieces.clear();
    }
    return true;
  }
}

// GNU sparse format 1.0: the contents begin with the map, decimal numbers one a line, padded to a block.
Result<> TarReader::ReadPaxSparseMap(TarEntry* entry) {
  std::string block;
  std::size_t at = 0;
  const auto number = [&]() -> Result<std::uint64_t> {
    std::string text;
    while (true) {
      if (at == block.size()) {
        if (left_ < kBlock) {
          return Damaged("malformed sparse map");
        }
        block.resize(kBlock);
        for (std::size_t have = 0; have < kBlock;) {
          have += LOAM_TRY(Read(std::span<char>(block).subspan(have)));
        }
        at = 0;
      }
      const char c = block[at++];
      if (c == '\n') {
        return Decimal(text);
      }
      text += c;
      if (text.size() > 20) {
        return Damaged("malformed sparse map");
      }
    }
  };
  const std::uint64_t count = LOAM_TRY(number());
  if (count > kMaxSparsePieces) {
    return Damaged("malformed sparse map");
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t offset = LOAM_TRY(number());
    entry->pieces.emplace_back(offset, LOAM_TRY(number()));
  }
  return {};
}

// Old GNU format: four pieces in the header, then blocks of 21 while the extension flag is set.
Result<> TarReader::ReadGnuSparseMap(std::string header, TarEntry* entry) {
  entry->sparse = true;
  const std::int64_t real_size = LOAM_TRY(Number(header, 483, 12));
  if (real_size < 0) {
    return Damaged("negative size");
  }
  entry->size = static_cast<std::uint64_t>(real_size);
  const auto add = [&](std::string_view block, std::size_t at) -> Result<> {
    const std::int64_t offset = LOAM_TRY(Number(block, at, 12));
    const std::int64_t size = LOAM_TRY(Number(block, at + 12, 12));
    if (offset < 0 || size < 0) {
      return Damaged("malformed sparse map");
    }
    if (block[at] != '\0' && block[at + 12] != '\0') {
      entry->pieces.emplace_back(offset, size);
    }
    return {};
  };
  for (std::size_t i = 0; i < 4; ++i) {
    LOAM_TRY(add(header, 386 + i * 24));
  }
  bool more = header[482] != '\0';
  while (more) {
    if (entry->pieces.size() > kMaxSparsePieces || !LOAM_TRY(Fill(kBlock))) {
      return Damaged("malformed sparse map");
    }
    const std::string block(buffer_.data() + begin_, kBlock);
    begin_ += kBlock;
    for (std::size_t i = 0; i < 21; ++i) {
      LOAM_TRY(add(block, i * 24));
    }
    more = block[504] != '\0';
  }
  return CheckPieces(*entry, left_);
}

}  // namespace loam::snapshot
