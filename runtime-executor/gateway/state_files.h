// Reading files of a solved state, for whoever compiles: links never lead out of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/rooted_fs.h"
#include "compiler/sema/build_host.h"
#include "runtime-executor/ops/file_source.h"
#include "runtime-executor/snapshot/mount.h"

namespace loam::gateway {

// All that a file system knows of a file.
struct FileDetails {
  std::string name;  // in its directory; empty for the root
  snapshot::TreeEntry entry;
  // Where a symbolic link leads to; of a file with several names, the first one in the same listing.
  std::string link;
  Xattrs xattrs;
};

class StateFiles {
 public:
  // `mounted` outlives it.
  explicit StateFiles(const snapshot::MountedFs& mounted) : tree_(mounted) {}

  // At most `limit` bytes from `offset`; 0: to the end, which must not be further than 64 MiB. kNotFound if there is no
  // such file, kInvalidArgument if it is no regular one.
  [[nodiscard]] Result<std::string> Read(std::string_view path, std::uint64_t limit, std::uint64_t offset = 0) const;
  [[nodiscard]] Result<sema::FileStat> Stat(std::string_view path) const;
  // Names only, sorted. kInvalidArgument if `path` is no directory.
  [[nodiscard]] Result<std::vector<sema::FileStat>> List(std::string_view path) const;
  // The file that `path` leads to: its own name, not that of a link.
  [[nodiscard]] Result<FileDetails> Details(std::string_view path) const;
  // What List names.
  [[nodiscard]] Result<std::vector<FileDetails>> ListDetails(std::string_view path) const;

 private:
  // Both paths resolved.
  [[nodiscard]] Result<FileDetails> DetailsOf(const std::string& directory, std::string name,
                                              snapshot::TreeEntry entry) const;
  [[nodiscard]] Result<std::vector<snapshot::TreeEntry>> Entries(std::string_view path, std::string& resolved) const;
  [[nodiscard]] Result<std::pair<std::string, snapshot::TreeEntry>> Find(std::string_view path) const;

  const ops::SourceTree tree_;
};

}  // namespace loam::gateway
