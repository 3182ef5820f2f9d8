// HostTree: a directory of the host that is read where it lies (a local source), seen through include and exclude
// patterns exactly as BuildKit's client would have sent it. Files count as owned by 0:0.
#pragma once

#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loam::snapshot {

struct HostTreeFilter {
  // Nothing: everything is included. Patterns of base/pattern_matcher.h.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  // Paths (wildcards allowed) that are included together with whatever their symlinks lead to (LLB's
  // local.followpaths).
  std::vector<std::string> follow_paths;
};

// One file or directory of a tree. `mode` has the type bits; owner as on disk (see HostTree about 0:0).
struct TreeEntry {
  // Relative to the root, without leading '/'; "" is the root itself.
  std::string path;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t nlink = 0;
  std::uint64_t size = 0;
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  std::uint64_t rdev = 0;
  timespec mtime{};
  timespec ctime{};
  // Which layer of a stack the entry comes from; 0 for a HostTree.
  std::uint32_t layer = 0;

  [[nodiscard]] bool is_dir() const { return (mode & 0170000U) == 0040000U; }
  [[nodiscard]] bool is_regular() const { return (mode & 0170000U) == 0100000U; }
  [[nodiscard]] bool is_symlink() const { return (mode & 0170000U) == 0120000U; }
  [[nodiscard]] std::string_view name() const {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? std::string_view(path) : std::string_view(path).substr(slash + 1);
  }
};

// Order of a depth-first walk with siblings sorted by the bytes of their names ('/' sorts before everything).
bool TreePathLess(std::string_view a, std::string_view b);

// Moves a directory that its holder gives away: the path to rename; what is returned keeps the directory alive.
using MoveDirectory = std::function<Result<std::shared_ptr<void>>(const std::string& path)>;

struct HostTreeOptions {
  HostTreeFilter filter;
  // The directory itself, if it is open already; it may have another path by now.
  UniqueFd directory;
  // Not empty: the directory is the daemon's own copy and may become a layer. Calls what it is given, once; false if
  // the directory was given away before. The tree stays readable.
  std::function<Result<bool>(const MoveDirectory&)> give_away;
};

// Thread-safe. Made for one build: the tree is walked once, on first need, and taken as unchanging afterwards.
class HostTree {
 public:
  // `path` must be a directory (its own symlinks are followed).
  static Result<std::shared_ptr<const HostTree>> Open(std::string path, HostTreeFilter filter);
  static Result<std::shared_ptr<const HostTree>> OpenWith(std::string path, HostTreeOptions options);
  ~HostTree();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const HostTreeFilter& filter() const { return filter_; }
  // No patterns at all: everything below the directory is visible.
  [[nodiscard]] bool shows_everything() const;
  // Lets `move` take the directory if it is one to give and is already what a layer of it would be: unfiltered, owned
  // by 0:0, without whiteouts. False: it stays.
  Result<bool> GiveAway(const MoveDirectory& move) const;
  // The directory itself (O_PATH). Files opened below it must be checked with Find or Contains first.
  [[nodiscard]] int fd() const { return fd_.get(); }

  // All visible entries, the root ("") first, in TreePathLess order. The first call walks the directory on all cores.
  Result<std::span<const TreeEntry>> Entries() const;
  // nullptr: not visible or not there. `path` is clean, without leading '/'.
  Result<const TreeEntry*> Find(std::string_view path) const;
  // The visible entries below a directory, itself first.
  Result<std::span<const TreeEntry>> Subtree(std::string_view path) const;

 private:
  HostTree(std::string path, HostTreeOptions options);

  const std::string path_;
  const HostTreeFilter filter_;
  const UniqueFd fd_;
  const std::function<Result<bool>(const MoveDirectory&)> give_away_;
  mutable std::mutex mutex_;  // guards the two below until walked_ is set; entries_ never changes afterwards
  mutable std::optional<Result<>> walked_;
  mutable std::vector<TreeEntry> entries_;
};

}  // namespace loam::snapshot
