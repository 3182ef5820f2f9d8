// Tar archives of images, also compressed (gzip, zstd), read with libarchive.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime-executor/content/byte_stream.h"

namespace loam::source {

struct ArchiveEntry {
  std::string path;  // clean, without leading "./" or "/"
  bool is_regular = false;
  std::string link_target;  // of a symlink or hard link, as it is
  bool is_hard_link = false;
  std::uint64_t size = 0;
};

// Calls `visit` for every entry in order; `data` gives the bytes of a regular file during the call. kInvalidArgument if
// the file is no tar.
Result<> ReadArchive(const std::string& path, std::stop_token stop,
                     const std::function<Result<>(const ArchiveEntry& entry, content::ByteSource& data)>& visit);

// What an archive holds: names of regular files, links, and the texts of the small files at its top that say what it is
// ("index.json", "oci-layout", "manifest.json").
struct ArchiveListing {
  std::set<std::string, std::less<>> files;
  std::map<std::string, std::string, std::less<>> links;  // resolved to paths in the archive
  std::map<std::string, std::string, std::less<>> texts;
  std::size_t entries = 0;
};
Result<ArchiveListing> ListArchive(const std::string& path, std::stop_token stop);

}  // namespace loam::source
