// Content checksums of files and trees, equal to those of BuildKit (cache/contenthash), so that content-based cache
// keys agree with it. A checksum covers names, modes, owners, sizes, link targets, xattrs and contents; never times.
//
// An index per tree remembers digests by (device, inode, mtime, ctime, size), so that an unchanged tree is not read
// again. Rule for a racy file: its digest is only remembered if both mtime and ctime lie further back than kRacyMargin
// (or kCoarseRacyMargin where the file system keeps whole seconds or is remote) before the moment its hashing began, by
// the clock that stamps files: a later change in the same tick of it would not show. A file that was changed in the
// running tick is hashed in the next one (milliseconds), so that what was written right before a build is remembered.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "runtime-executor/snapshot/fs_ref.h"
#include "runtime-executor/snapshot/layer_store.h"

namespace loam::cache {

inline constexpr std::chrono::milliseconds kRacyMargin{1};
inline constexpr std::chrono::milliseconds kCoarseRacyMargin{2500};

// contenthash.ChecksumOpts.
struct ChecksumOptions {
  // Follow the final symlink of the path (of each matched path with `wildcard`).
  bool follow_links = false;
  bool wildcard = false;
  std::vector<std::string> include_patterns;
  std::vector<std::string> exclude_patterns;
  // kNotFound unless the checksum includes a path that starts with each of them.
  std::vector<std::string> required_paths;
};

// One thing that went into a checksum: a path (as in the checksum, relative to what was asked for) and its digest.
struct ChecksumPart {
  std::string path;
  Digest digest;
};

struct Checksum {
  Digest digest;
  // Files, symlinks and directory headers (path ends with '/'), in order. Filled only if asked for.
  std::vector<ChecksumPart> parts;
};

// A file of a host directory had to be read: its digest was not known. `directory` is the tree's path, `path` that of
// the file in it. Called from several threads at a time.
using HostFileRead = std::function<void(const std::string& directory, const std::string& path, std::uint64_t bytes)>;

struct ChecksumCacheOptions {
  // Directory for the indexes, made if missing: `<root>/checksums`. Empty: nothing is remembered between processes.
  std::string index_dir;
  HostFileRead on_read = {};
};

// Thread-safe. Keeps what it computed for as long as it lives.
class ChecksumCache {
 public:
  // `store` must outlive it.
  static Result<std::unique_ptr<ChecksumCache>> Open(snapshot::LayerStore& store, ChecksumCacheOptions options);
  virtual ~ChecksumCache() = default;

  // `path` in `ref`; "" and "/" are the root. kNotFound: `"/path": not found`.
  virtual Result<Checksum> Compute(const snapshot::FsRef& ref, std::string_view path, const ChecksumOptions& options,
                                   bool with_parts = false, std::stop_token stop = {}) = 0;
  // Lets go of the host directories that nobody else uses any more; what was found out about them is kept on disk.
  virtual void ReleaseHostTrees() = 0;
  [[nodiscard]] virtual snapshot::LayerStore& store() = 0;
};

}  // namespace loam::cache
