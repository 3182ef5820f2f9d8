// Lists a directory tree on all cores, seen through include and exclude patterns as fsutil's FilterFS shows it: a
// directory that is not selected itself appears if something in it does.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/pattern_matcher.h"
#include "base/result.h"
#include "runtime-executor/snapshot/host_tree.h"

namespace loam::snapshot {

class TreeFilter {
 public:
  // Everything.
  TreeFilter() = default;
  static Result<TreeFilter> Create(const std::vector<std::string>& include, const std::vector<std::string>& exclude);

  // What was found out about a directory, for its children.
  struct Parent {
    PatternMatchInfo include;
    PatternMatchInfo exclude;
  };
  struct Answer {
    bool selected = true;
    // Nothing below this directory can be selected.
    bool prune = false;
    Parent self;
  };
  [[nodiscard]] Answer Ask(std::string_view path, bool is_dir, const Parent& parent) const;
  [[nodiscard]] bool empty() const { return include_.empty() && exclude_.empty(); }

 private:
  PatternMatcher include_;
  PatternMatcher exclude_;
  bool only_prefix_includes_ = true;
  bool only_prefix_exceptions_ = true;
};

// `prefix` ("" or a clean relative path) is the directory below `root_fd` to list; the paths of the entries start with
// it. The first entry is that directory itself. Sockets are listed. Files that vanish during the walk are left out.
Result<std::vector<TreeEntry>> WalkTree(int root_fd, const std::string& prefix, const TreeFilter& filter);

// The include patterns that `paths` stand for, with the targets of the symlinks in them (fsutil's FollowLinks).
Result<std::vector<std::string>> FollowPaths(int root_fd, const std::vector<std::string>& paths);
// Sorted paths without those below others; nothing if "." is among them.
std::vector<std::string> DedupePaths(const std::vector<std::string>& paths);

TreeEntry MakeTreeEntry(std::string path, const struct stat& info);

}  // namespace loam::snapshot
