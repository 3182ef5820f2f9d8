// Tar streams: reading (ustar, PAX, GNU long names and numbers, GNU and PAX sparse files) and deterministic writing
// (ustar, with PAX headers where a value does not fit).
#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime-executor/content/byte_stream.h"

namespace loam::snapshot {

// '0' regular, '1' hard link, '2' symlink, '3' character device, '4' block device, '5' directory, '6' fifo.
struct TarEntry {
  char type = '0';
  // As written in the archive, not cleaned.
  std::string path;
  std::string link;
  std::uint32_t mode = 0644;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  // Of the contents, holes included.
  std::uint64_t size = 0;
  timespec mtime{};
  std::uint32_t dev_major = 0;
  std::uint32_t dev_minor = 0;
  std::map<std::string, std::string> xattrs;
  // Not empty for a sparse file: offset and size of its pieces of data, ascending.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pieces;
  bool sparse = false;
};

class TarReader {
 public:
  explicit TarReader(content::ByteSource& source);

  // False at the end of the archive. Skips what is left of the entry before. kInvalidArgument for a damaged archive.
  Result<bool> Next(TarEntry* entry);
  // Stored contents of the current entry, in order (of a sparse file: its pieces one after the other); 0 at the end.
  Result<std::size_t> Read(std::span<char> buffer);
  // Reads what follows the end mark, so that the source has been read completely.
  Result<> Drain();

 private:
  Result<bool> Fill(std::size_t size);
  Result<std::string> TakeBlob(std::uint64_t size);
  Result<> SkipRest();
  Result<> ReadPaxSparseMap(TarEntry* entry);
  Result<> ReadGnuSparseMap(std::string header, TarEntry* entry);

  content::ByteSource& source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  // Of the current entry.
  std::uint64_t left_ = 0;
  std::uint64_t padding_ = 0;
};

class TarWriter {
 public:
  explicit TarWriter(content::ByteSink& sink) : sink_(sink) {}

  // After the header of a regular file exactly `size` bytes must be written to the sink, then EndData called.
  Result<> Header(const TarEntry& entry);
  Result<> EndData(std::uint64_t size);
  // The end mark.
  Result<> Finish();

 private:
  content::ByteSink& sink_;
};

}  // namespace loam::snapshot
