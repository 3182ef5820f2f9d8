// Copying of files and trees as BuildKit's file op does it (fsutil/copy): `cp -a` with its own rules for destinations.
#pragma once

#include <ctime>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime-executor/ops/file_mode.h"
#include "runtime-executor/ops/file_source.h"

namespace loam::ops {

struct FileCopyOptions {
  // Of everything that is copied or made; nullopt: the source's, and root for new parents.
  std::optional<std::pair<uid_t, gid_t>> owner;
  // Likewise; also of directories. `mode_change` comes before `mode`.
  std::optional<mode_t> mode;
  std::optional<FileMode> mode_change;
  // Times of everything copied or made; nullopt: the source's, and now for new parents.
  std::optional<timespec> time;
  // Follow the source path's last element if it is a link (links inside a tree are always copied as links).
  bool follow_links = false;
  // A directory's contents instead of itself.
  bool directory_contents = false;
  // What is in the way of another kind of file is removed.
  bool always_replace = false;
  std::vector<std::string> include_patterns;
  std::vector<std::string> exclude_patterns;
};

// Copies `source_path` of `source` to `dest_path` below `dest_fd`. Both may end with "/" or "/.", which matters for the
// destination. Regular files are copied on all cores.
Result<> CopyFiles(const SourceTree& source, const std::string& source_path, int dest_fd, const std::string& dest_path,
                   const FileCopyOptions& options, std::stop_token stop);

// Go's filepath.Join("/", path) that keeps a trailing "/" or "/.".
std::string CleanKeepingEnd(std::string_view path);

// mkdir -p with owner and time of `options`; the directories made are added to `made`.
Result<UniqueFd> MakeParents(int root_fd, const std::string& path, mode_t mode, const FileCopyOptions& options,
                             std::vector<std::string>* made);

}  // namespace loam::ops
