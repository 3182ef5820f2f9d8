// SourceTree: what a copy reads from: a mounted filesystem, or a host directory seen through its filter.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pattern_matcher.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "runtime-executor/snapshot/host_tree.h"
#include "runtime-executor/snapshot/mount.h"

namespace loam::ops {

class SourceTree {
 public:
  // `mounted` outlives it.
  explicit SourceTree(const snapshot::MountedFs& mounted) : fd_(mounted.fd()), host_(mounted.host_tree()) {}

  // Everything below a directory.
  explicit SourceTree(int dir_fd) : fd_(dir_fd), host_(nullptr) {}

  [[nodiscard]] int fd() const { return fd_; }

  // Clean path without leading '/', links resolved within the tree: all of them, or all but the last element's.
  // kNotFound if a directory on the way does not exist; what the last element is, is not looked at without
  // `follow_last`.
  [[nodiscard]] Result<std::string> Resolve(std::string_view path, bool follow_last) const;
  // Not following the last element; nullopt: not there (or not visible). Owner 0:0 in a host directory.
  [[nodiscard]] Result<std::optional<snapshot::TreeEntry>> Lstat(std::string_view path) const;
  // Names in a directory, sorted. Not following it.
  [[nodiscard]] Result<std::vector<std::string>> List(std::string_view path) const;
  // Opens without following any link. `path` is clean and resolved.
  [[nodiscard]] Result<UniqueFd> Open(std::string_view path, int flags) const;
  // The paths that match, sorted; the part before the first wildcard is resolved (its last element only with
  // `follow`). A path without wildcards is returned as it is.
  [[nodiscard]] Result<std::vector<std::string>> ResolveWildcards(std::string_view path, bool follow) const;

  // One entry of Collect.
  struct Entry {
    // `path` is relative to the top.
    snapshot::TreeEntry info;
    // False for a directory that is only there because of what it holds.
    bool included = true;
  };
  // The directory `top` ("" with info) and what lies below it, directories before their content, filtered by patterns
  // on the path relative to it. Directories that are not included and hold nothing included are left out.
  [[nodiscard]] Result<std::vector<Entry>> Collect(const std::string& top, const snapshot::TreeEntry& top_info,
                                                   const PatternMatcher* include, const PatternMatcher* exclude) const;

 private:
  struct Walk;
  [[nodiscard]] Result<> WalkDirectory(Walk& walk, int dir_fd, const std::string& path, const PatternMatchInfo& include,
                                       const PatternMatchInfo& exclude) const;

  int fd_;
  const snapshot::HostTree* host_;
};

}  // namespace loam::ops
