#include "runtime-executor/snapshot/tree_walk.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "base/strings.h"

namespace loam::snapshot {
namespace {

constexpr std::string_view kPatternCharacters = "*[]?^\\";

std::string_view WithoutTrailingGlob(std::string_view pattern) {
  for (const std::string_view glob : {"/**", "/*"}) {
    if (pattern.ends_with(glob)) {
      pattern.remove_suffix(glob.size());
    }
  }
  return pattern;
}

// Every pattern (exceptions, if `exceptions`, else the others) is a plain path, perhaps with a trailing glob.
bool OnlyPrefixes(const PatternMatcher& matcher, bool exceptions) {
  for (const auto& pattern : matcher.patterns()) {
    if (pattern.exception == exceptions &&
        WithoutTrailingGlob(pattern.text).find_first_of(kPatternCharacters) != std::string_view::npos) {
      return false;
    }
  }
  return true;
}

// A pattern of that kind lies at or below the directory.
bool AnyBelow(const PatternMatcher& matcher, bool exceptions, std::string_view dir) {
  const std::string dir_slash = std::string(dir) + "/";
  for (const auto& pattern : matcher.patterns()) {
    if (pattern.exception == exceptions &&
        (std::string(WithoutTrailingGlob(pattern.text)) + "/").starts_with(dir_slash)) {
      return true;
    }
  }
  return false;
}

struct Dir;
struct Item {
  TreeEntry entry;
  bool selected = true;
  std::unique_ptr<Dir> dir;
};
struct Dir {
  std::string path;
  TreeFilter::Parent match;
  std::vector<Item> items;
};

class Walker {
 public:
  Walker(int root_fd, const TreeFilter& filter) : root_fd_(root_fd), filter_(filter) {}

  Result<> Run(Dir* top) {
    queue_.push_back(top);
    const std::size_t count = std::min<std::size_t>(8, std::max(1U, std::thread::hardware_concurrency()));
    std::vector<std::thread> threads;
    // The first directory tells whether more threads are worth their start.
    Step();
    {
      std::unique_lock lock(mutex_);
      if (queue_.size() > 1) {
        lock.unlock();
        for (std::size_t i = 1; i < count; ++i) {
          threads.emplace_back([this] { Loop(); });
        }
      }
    }
    Loop();
    for (std::thread& thread : threads) {
      thread.join();
    }
    if (error_) {
      return tl::unexpected(std::move(*error_));
    }
    return {};
  }

 private:
  void Loop() {
    while (Step()) {
    }
  }

  // Lists one directory; false when all is done.
  bool Step() {
    Dir* dir = nullptr;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !queue_.empty() || running_ == 0 || error_; });
      if (queue_.empty() || error_) {
        return false;
      }
      // Last in, first out: neighbours on disk stay neighbours in time, and the queue stays short.
      dir = queue_.back();
      queue_.pop_back();
      ++running_;
    }
    auto listed = List(dir);
    const std::lock_guard lock(mutex_);
    --running_;
    if (!listed) {
      if (!error_) {
        error_ = std::move(listed).error();
      }
    } else {
      for (Item& item : dir->items) {
        if (item.dir != nullptr) {
          queue_.push_back(item.dir.get());
        }
      }
    }
    wake_.notify_all();
    return true;
  }

  Result<> List(Dir* dir) {
    auto fd = OpenFileAt(root_fd_, dir->path.empty() ? "." : dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd) {
      if (fd.error().sys_errno() == ENOENT || fd.error().sys_errno() == ENOTDIR) {
        return {};
      }
      return tl::unexpected(std::move(fd).error());
    }
    auto names = LOAM_TRY(ReadDir(fd->get()));
    std::sort(names.begin(), names.end(), [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
    dir->items.reserve(names.size());
    for (const DirEntry& name : names) {
      struct stat info {};
      if (::fstatat(fd->get(), name.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) {
          continue;
        }
        return UnexpectedErrno(fmt::format("stat `{}/{}`", dir->path, name.name));
      }
      std::string path = dir->path.empty() ? name.name : dir->path + "/" + name.name;
      const bool is_dir = S_ISDIR(info.st_mode);
      Item item;
      if (filter_.empty()) {
        item.entry = MakeTreeEntry(std::move(path), info);
      } else {
        auto answer = filter_.Ask(path, is_dir, dir->match);
        if (answer.prune || (!answer.selected && !is_dir)) {
          continue;
        }
        item.selected = answer.selected;
        item.entry = MakeTreeEntry(std::move(path), info);
        if (is_dir) {
          item.dir = std::make_unique<Dir>();
          item.dir->match = std::move(answer.self);
        }
      }
      if (is_dir) {
        if (item.dir == nullptr) {
          item.dir = std::make_unique<Dir>();
        }
        item.dir->path = item.entry.path;
      }
      dir->items.push_back(std::move(item));
    }
    return {};
  }

  const int root_fd_;
  const TreeFilter& filter_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable wake_;
  std::vector<Dir*> queue_;
  std::size_t running_ = 0;
  std::optional<Error> error_;
};

// Depth first; a directory that was not selected is taken back if nothing followed it.
void Assemble(Dir& dir, std::vector<TreeEntry>* out) {
  for (Item& item : dir.items) {
    const std::size_t at = out->size();
    out->push_back(std::move(item.entry));
    if (item.dir != nullptr) {
      Assemble(*item.dir, out);
      if (!item.selected && out->size() == at + 1) {
        out->pop_back();
      }
    }
  }
}

}  // namespace

TreeEntry MakeTreeEntry(std::string path, const struct stat& info) {
  TreeEntry entry;
  entry.path = std::move(path);
  entry.mode = info.st_mode;
  entry.uid = info.st_uid;
  entry.gid = info.st_gid;
  entry.nlink = static_cast<std::uint32_t>(info.st_nlink);
  entry.size = static_cast<std::uint64_t>(info.st_size);
  entry.dev = info.st_dev;
  entry.ino = info.st_ino;
  entry.rdev = info.st_rdev;
  entry.mtime = info.st_mtim;
  entry.ctime = info.st_ctim;
  return entry;
}

Result<TreeFilter> TreeFilter::Create(const std::vector<std::string>& include,
                                      const std::vector<std::string>& exclude) {
  TreeFilter filter;
  filter.include_ = LOAM_TRY_CONTEXT("invalid include patterns", PatternMatcher::Create(include));
  filter.exclude_ = LOAM_TRY_CONTEXT("invalid exclude patterns", PatternMatcher::Create(exclude));
  filter.only_prefix_includes_ = OnlyPrefixes(filter.include_, false);
  filter.only_prefix_exceptions_ = OnlyPrefixes(filter.exclude_, true);
  return filter;
}

TreeFilter::Answer TreeFilter::Ask(std::string_view path, bool is_dir, const Parent& parent) const {
  Answer answer;
  if (!include_.empty() && !include_.MatchesUsingParent(path, parent.include, &answer.self.include)) {
    answer.selected = false;
    answer.prune = is_dir && only_prefix_includes_ && !AnyBelow(include_, false, path);
    if (answer.prune) {
      return answer;
    }
  }
  if (!exclude_.empty() && exclude_.MatchesUsingParent(path, parent.exclude, &answer.self.exclude)) {
    answer.selected = false;
    answer.prune = is_dir && only_prefix_exceptions_ && (!exclude_.has_exceptions() || !AnyBelow(exclude_, true, path));
  }
  return answer;
}

Result<std::vector<TreeEntry>> WalkTree(int root_fd, const std::string& prefix, const TreeFilter& filter) {
  struct stat info {};
  if (::fstatat(root_fd, prefix.empty() ? "." : prefix.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return UnexpectedErrno(fmt::format("stat `{}`", prefix));
  }
  std::vector<TreeEntry> entries;
  entries.push_back(MakeTreeEntry(prefix, info));
  if (S_ISDIR(info.st_mode)) {
    Dir top;
    top.path = prefix;
    Walker walker(root_fd, filter);
    LOAM_TRY(walker.Run(&top));
    Assemble(top, &entries);
  }
  return entries;
}

// --- follow paths ---

namespace {

class LinkFollower {
 public:
  explicit LinkFollower(int root_fd) : root_fd_(root_fd) {}

  Result<> Add(std::string_view path) {
    std::string rest = CleanPath(fmt::format("./{}", path));
    std::string current = ".";
    while (true) {
      const auto slash = rest.find('/');
      current = CleanPath(current + "/" + rest.substr(0, slash));
      const auto targets = LOAM_TRY(Targets(current, true));
      rest = slash == std::string::npos ? "" : rest.substr(slash + 1);
      if ((rest.empty() || !targets.empty()) && resolved.count(current) != 0) {
        return {};
      }
      if (!targets.empty()) {
        resolved.insert(current);
        for (const std::string& target : targets) {
          LOAM_TRY(Add(target + "/" + rest));
        }
        return {};
      }
      if (rest.empty()) {
        resolved.insert(current);
        return {};
      }
    }
  }

  std::set<std::string> resolved;

 private:
  // What the symlink `path`, or those that its last element matches, point to, as paths from the root.
  Result<std::vector<std::string>> Targets(const std::string& path, bool wildcard) {
    std::vector<std::string> targets;
    const auto slash = path.rfind('/');
    const std::string dir = slash == std::string::npos ? "." : path.substr(0, slash);
    const std::string base = slash == std::string::npos ? path : path.substr(slash + 1);
    if (wildcard && HasWildcard(base)) {
      auto fd = OpenFileAt(root_fd_, dir, O_RDONLY | O_DIRECTORY);
      if (!fd) {
        if (fd.error().sys_errno() == ENOENT || fd.error().sys_errno() == ENOTDIR) {
          return targets;
        }
        return tl::unexpected(std::move(fd).error());
      }
      auto names = LOAM_TRY(ReadDir(fd->get()));
      std::sort(names.begin(), names.end(), [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
      for (const DirEntry& name : names) {
        const auto match = PathMatch(base, name.name);
        if (match && *match) {
          for (std::string& target : LOAM_TRY(Targets(CleanPath(dir + "/" + name.name), false))) {
            targets.push_back(std::move(target));
          }
        }
      }
      return targets;
    }
    struct stat info {};
    if (::fstatat(root_fd_, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) {
        return targets;
      }
      return UnexpectedErrno(fmt::format("stat `{}`", path));
    }
    if (S_ISLNK(info.st_mode)) {
      const std::string link = LOAM_TRY(ReadLinkAt(root_fd_, path));
      targets.push_back(link.starts_with('/') ? CleanPath(link) : CleanRootedPath(dir + "/" + CleanPath(link)));
    }
    return targets;
  }

  const int root_fd_;
};

}  // namespace

Result<std::vector<std::string>> FollowPaths(int root_fd, const std::vector<std::string>& paths) {
  LinkFollower follower(root_fd);
  for (const std::string& path : paths) {
    LOAM_TRY(follower.Add(path));
  }
  return DedupePaths(std::vector<std::string>(follower.resolved.begin(), follower.resolved.end()));
}

std::vector<std::string> DedupePaths(const std::vector<std::string>& paths) {
  std::vector<std::string> kept;
  std::string last;
  for (const std::string& path : paths) {
    if (path == ".") {
      return {};
    }
    if (path.starts_with(last + "/")) {
      continue;
    }
    kept.push_back(path);
    last = path;
  }
  return kept;
}

}  // namespace loam::snapshot
