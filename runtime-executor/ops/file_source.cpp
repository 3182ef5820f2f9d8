#include "runtime-executor/ops/file_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>

#include <fmt/format.h>

#include "base/rooted_fs.h"
#include "base/strings.h"
#include "runtime-executor/snapshot/tree_walk.h"

namespace loam::ops {

namespace {

constexpr int kMaxLinks = 255;

std::string Below(std::string_view dir, std::string_view name) {
  return dir.empty() ? std::string(name) : fmt::format("{}/{}", dir, name);
}

Result<UniqueFd> OpenBeneath(int dir_fd, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  UniqueFd fd(static_cast<int>(syscall(SYS_openat2, dir_fd, path.empty() ? "." : path.c_str(), &how, sizeof(how))));
  if (!fd.valid()) {
    return UnexpectedErrno("open /" + path);
  }
  return fd;
}

}  // namespace

Result<std::optional<snapshot::TreeEntry>> SourceTree::Lstat(std::string_view path) const {
  if (host_ != nullptr) {
    const snapshot::TreeEntry* found = LOAM_TRY(host_->Find(path));
    if (found == nullptr) {
      return std::optional<snapshot::TreeEntry>();
    }
    snapshot::TreeEntry entry = *found;
    entry.uid = 0;
    entry.gid = 0;
    return std::optional(std::move(entry));
  }
  const auto info = LOAM_TRY(LstatInRoot(fd_, path));
  return info ? std::optional(snapshot::MakeTreeEntry(std::string(path), *info)) : std::nullopt;
}

Result<UniqueFd> SourceTree::Open(std::string_view path, int flags) const {
  return OpenBeneath(fd_, std::string(path), flags);
}

Result<std::string> SourceTree::Resolve(std::string_view path, bool follow_last) const {
  std::vector<std::string> left;  // elements still to be walked, last first
  auto push = [&](std::string_view text) {
    const std::vector<std::string_view> parts = Split(text, '/');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      if (!part->empty() && *part != ".") {
        left.emplace_back(*part);
      }
    }
  };
  push(CleanRootedPath(path));
  std::vector<std::string> done;
  int links = 0;
  while (!left.empty()) {
    std::string name = std::move(left.back());
    left.pop_back();
    if (name == "..") {
      if (!done.empty()) {
        done.pop_back();
      }
      continue;
    }
    const std::string parent = Join(done, "/");
    done.push_back(name);
    if (left.empty() && !follow_last) {
      break;
    }
    const auto info = LOAM_TRY(Lstat(Below(parent, name)));
    if (!info || !info->is_symlink()) {
      continue;  // what is not there is found out later
    }
    if (++links > kMaxLinks) {
      return Unexpected(Error::FromErrno(ELOOP, fmt::format("resolve {}", path)));
    }
    const UniqueFd dir = LOAM_TRY(Open(parent, O_PATH | O_DIRECTORY));
    const std::string target = LOAM_TRY(ReadLinkAt(dir.get(), name));
    done.pop_back();
    if (target.starts_with('/')) {
      done.clear();
    }
    push(target);
  }
  return Join(done, "/");
}

Result<std::vector<std::string>> SourceTree::List(std::string_view path) const {
  std::vector<std::string> names;
  if (host_ != nullptr) {
    const auto below = LOAM_TRY(host_->Subtree(path));
    const std::size_t skip = path.empty() ? 0 : path.size() + 1;
    for (const snapshot::TreeEntry& entry : below) {
      if (entry.path.size() > skip && entry.path.find('/', skip) == std::string::npos) {
        names.push_back(entry.path.substr(skip));
      }
    }
    return names;
  }
  const UniqueFd dir = LOAM_TRY(Open(path, O_RDONLY | O_DIRECTORY));
  for (DirEntry& entry : LOAM_TRY(ReadDir(dir.get()))) {
    names.push_back(std::move(entry.name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<std::string>> SourceTree::ResolveWildcards(std::string_view path, bool follow) const {
  const auto [literal, pattern] = SplitWildcard(path);
  if (pattern.empty()) {
    return std::vector<std::string>{std::string(path)};
  }
  const std::string base = LOAM_TRY(Resolve(literal, follow));
  const auto info = LOAM_TRY(Lstat(base));
  if (!info) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("\"/{}\": not found", base));
  }
  // Without `**` a pattern matches paths of its own number of elements, element by element.
  std::vector<std::string> found;
  const std::vector<std::string_view> parts = Split(pattern, '/');
  std::function<Result<>(const std::string&, std::size_t)> walk = [&](const std::string& dir,
                                                                      std::size_t depth) -> Result<> {
    const auto entry = LOAM_TRY(Lstat(dir));
    if (!entry || !entry->is_dir()) {
      return {};
    }
    for (const std::string& name : LOAM_TRY(List(dir))) {
      const auto match = PathMatch(parts[depth], name);
      if (!match || !*match) {
        continue;
      }
      const std::string child = Below(dir, name);
      if (depth + 1 == parts.size()) {
        found.push_back(child);
      } else {
        LOAM_TRY(walk(child, depth + 1));
      }
    }
    return {};
  };
  LOAM_TRY(walk(base, 0));
  return found;
}

struct SourceTree::Walk {
  const PatternMatcher* include;
  const PatternMatcher* exclude;
  std::vector<Entry>* entries;

  struct Verdict {
    bool included = true;
    bool excluded = false;
    PatternMatchInfo include_info;
    PatternMatchInfo exclude_info;
    // Nothing below it can be wanted.
    [[nodiscard]] bool closed(const PatternMatcher* exclude_matcher) const {
      return excluded && !exclude_matcher->has_exceptions();
    }
  };
  Verdict Judge(std::string_view path, const PatternMatchInfo& parent_include,
                const PatternMatchInfo& parent_exclude) const {
    Verdict verdict;
    if (include != nullptr) {
      verdict.included = include->MatchesUsingParent(path, parent_include, &verdict.include_info);
    }
    if (exclude != nullptr && exclude->MatchesUsingParent(path, parent_exclude, &verdict.exclude_info)) {
      verdict.included = false;
      verdict.excluded = true;
    }
    return verdict;
  }
};

Result<> SourceTree::WalkDirectory(Walk& walk, int dir_fd, const std::string& path, const PatternMatchInfo& include,
                                   const PatternMatchInfo& exclude) const {
  std::vector<DirEntry> names = LOAM_TRY(ReadDir(dir_fd));
  std::sort(names.begin(), names.end(), [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
  for (const DirEntry& name : names) {
    const std::string child = Below(path, name.name);
    const Walk::Verdict verdict = walk.Judge(child, include, exclude);
    if (!verdict.included && name.type != DT_DIR && name.type != DT_UNKNOWN) {
      continue;
    }
    struct stat info {};
    if (fstatat(dir_fd, name.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return UnexpectedErrno("stat /" + child);
    }
    const bool directory = S_ISDIR(info.st_mode);
    if ((!directory && !verdict.included) || (directory && verdict.closed(walk.exclude))) {
      continue;
    }
    walk.entries->push_back({snapshot::MakeTreeEntry(child, info), verdict.included});
    if (directory) {
      const UniqueFd fd(openat(dir_fd, name.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!fd.valid()) {
        return UnexpectedErrno("open /" + child);
      }
      LOAM_TRY(WalkDirectory(walk, fd.get(), child, verdict.include_info, verdict.exclude_info));
    }
  }
  return {};
}

Result<std::vector<SourceTree::Entry>> SourceTree::Collect(const std::string& top, const snapshot::TreeEntry& top_info,
                                                           const PatternMatcher* include,
                                                           const PatternMatcher* exclude) const {
  std::vector<Entry> entries;
  entries.push_back({top_info, true});
  entries.front().info.path.clear();
  Walk walk{include, exclude, &entries};
  if (host_ != nullptr) {
    const auto below = LOAM_TRY(host_->Subtree(top));
    const std::size_t skip = top.empty() ? 0 : top.size() + 1;
    entries.reserve(below.size());
    struct Level {
      std::string path;
      PatternMatchInfo include;
      PatternMatchInfo exclude;
    };
    std::vector<Level> levels = {{"", {}, {}}};
    std::string closed;  // a directory nothing below of which is wanted
    const bool patterns = include != nullptr || exclude != nullptr;
    for (const snapshot::TreeEntry& entry : below.subspan(1)) {
      const std::string_view path = std::string_view(entry.path).substr(skip);
      bool included = true;
      if (patterns) {
        if (!closed.empty() && path.size() > closed.size() && path.starts_with(closed) && path[closed.size()] == '/') {
          continue;
        }
        while (levels.size() > 1 && !(path.size() > levels.back().path.size() && path.starts_with(levels.back().path) &&
                                      path[levels.back().path.size()] == '/')) {
          levels.pop_back();
        }
        Walk::Verdict verdict = walk.Judge(path, levels.back().include, levels.back().exclude);
        if (entry.is_dir()) {
          if (verdict.closed(exclude)) {
            closed = path;
            continue;
          }
          levels.push_back({std::string(path), std::move(verdict.include_info), std::move(verdict.exclude_info)});
        } else if (!verdict.included) {
          continue;
        }
        included = verdict.included;
      }
      entries.push_back({entry, included});
      Entry& added = entries.back();
      added.info.path = path;
      added.info.uid = 0;
      added.info.gid = 0;
    }
  } else {
    const UniqueFd dir = LOAM_TRY(Open(top, O_RDONLY | O_DIRECTORY));
    LOAM_TRY(WalkDirectory(walk, dir.get(), "", {}, {}));
  }
  // From the end: a directory is needed if something kept lies below it, and what lies below follows it.
  std::string needed;
  std::vector<Entry> kept;
  kept.reserve(entries.size());
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    const std::string& path = entry->info.path;
    const bool holds =
        !needed.empty() &&
        (path.empty() || (needed.size() > path.size() && needed.starts_with(path) && needed[path.size()] == '/'));
    if (entry->included || holds) {
      kept.push_back(std::move(*entry));
      needed = kept.back().info.path;
    }
  }
  std::reverse(kept.begin(), kept.end());
  return kept;
}

}  // namespace loam::ops
