#include "runtime-executor/snapshot/host_tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/file_system.h"
#include "runtime-executor/snapshot/tree_walk.h"

namespace loam::snapshot {

bool TreePathLess(std::string_view a, std::string_view b) {
  const std::size_t common = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (a[i] != b[i]) {
      // '/' ends a name, and a name sorts before all that it begins.
      const auto rank = [](char c) { return c == '/' ? 0 : static_cast<int>(static_cast<unsigned char>(c)) + 1; };
      return rank(a[i]) < rank(b[i]);
    }
  }
  return a.size() < b.size();
}

HostTree::HostTree(std::string path, HostTreeOptions options)
    : path_(std::move(path)),
      filter_(std::move(options.filter)),
      fd_(std::move(options.directory)),
      give_away_(std::move(options.give_away)) {}
HostTree::~HostTree() = default;

Result<std::shared_ptr<const HostTree>> HostTree::Open(std::string path, HostTreeFilter filter) {
  HostTreeOptions options;
  options.filter = std::move(filter);
  return OpenWith(std::move(path), std::move(options));
}

Result<std::shared_ptr<const HostTree>> HostTree::OpenWith(std::string path, HostTreeOptions options) {
  if (!options.directory.valid()) {
    options.directory = LOAM_TRY(OpenFile(path, O_PATH | O_DIRECTORY));
  }
  // Malformed patterns are reported here, not at the first read.
  LOAM_TRY(TreeFilter::Create(options.filter.include, options.filter.exclude));
  return std::shared_ptr<const HostTree>(new HostTree(std::move(path), std::move(options)));
}

Result<bool> HostTree::GiveAway(const MoveDirectory& move) const {
  if (!give_away_ || !shows_everything()) {
    return false;
  }
  const auto as_layer = [](const TreeEntry& entry) {
    const bool whiteout = S_ISCHR(entry.mode) && entry.rdev == 0;
    return entry.path.empty() || (entry.uid == 0 && entry.gid == 0 && !whiteout);
  };
  const auto entries = LOAM_TRY(Entries());
  if (!std::all_of(entries.begin(), entries.end(), as_layer)) {
    return false;
  }
  return give_away_(move);
}

bool HostTree::shows_everything() const {
  return filter_.include.empty() && filter_.exclude.empty() && filter_.follow_paths.empty();
}

Result<std::span<const TreeEntry>> HostTree::Entries() const {
  const std::lock_guard lock(mutex_);
  if (!walked_) {
    const auto walk = [this]() -> Result<> {
      std::vector<std::string> include = filter_.include;
      if (!filter_.follow_paths.empty()) {
        const auto followed = LOAM_TRY(FollowPaths(fd_.get(), filter_.follow_paths));
        if (!followed.empty()) {
          include.insert(include.end(), followed.begin(), followed.end());
          include = DedupePaths(include);
        }
      }
      const TreeFilter filter = LOAM_TRY(TreeFilter::Create(include, filter_.exclude));
      entries_ = LOAM_TRY_CONTEXT(fmt::format("read `{}`", path_), WalkTree(fd_.get(), "", filter));
      return {};
    };
    walked_ = walk();
  }
  if (!*walked_) {
    return tl::unexpected(walked_->error());
  }
  return std::span<const TreeEntry>(entries_);
}

Result<const TreeEntry*> HostTree::Find(std::string_view path) const {
  const auto entries = LOAM_TRY(Entries());
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), path,
                       [](const TreeEntry& entry, std::string_view p) { return TreePathLess(entry.path, p); });
  return found != entries.end() && found->path == path ? &*found : nullptr;
}

Result<std::span<const TreeEntry>> HostTree::Subtree(std::string_view path) const {
  const auto entries = LOAM_TRY(Entries());
  if (path.empty()) {
    return entries;
  }
  const auto begin =
      std::lower_bound(entries.begin(), entries.end(), path,
                       [](const TreeEntry& entry, std::string_view p) { return TreePathLess(entry.path, p); });
  const auto inside = [&](const TreeEntry& entry) {
    return entry.path.starts_with(path) && (entry.path.size() == path.size() || entry.path[path.size()] == '/');
  };
  const auto end = std::partition_point(begin, entries.end(), inside);
  return std::span<const TreeEntry>(begin, end);
}

}  // namespace loam::snapshot
