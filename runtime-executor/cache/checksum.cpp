#include "runtime-executor/cache/checksum.h"

#include <algorithm>
#include <list>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/pattern_matcher.h"
#include "base/strings.h"
#include "runtime-executor/cache/checksum_tree.h"

namespace loam::cache {
namespace {

using snapshot::TreeEntry;

// As filepath-securejoin, which upstream follows.
constexpr int kMaxLinks = 255;
constexpr std::size_t kMaxTrees = 64;

// "/a/b" -> "a/b"; "/" -> "".
std::string Relative(std::string_view rooted) {
  return std::string(rooted.substr(1));
}
// Upstream's keys: '/' is a zero byte.
std::string Key(std::string path) {
  std::replace(path.begin(), path.end(), '/', '\0');
  return path;
}
// "" or "/a/b": the path upstream calls the key path.
std::string KeyPath(std::string_view path) {
  std::string clean = CleanRootedPath(path);
  return clean == "/" ? "" : clean;
}
std::string_view BaseName(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) {
    path.remove_suffix(1);
  }
  const auto slash = path.rfind('/');
  if (path.empty()) {
    return ".";
  }
  return path == "/" ? path : path.substr(slash == std::string_view::npos ? 0 : slash + 1);
}

tl::unexpected<Error> NotFound(std::string_view path) {
  return Unexpected(ErrorCode::kNotFound, fmt::format("\"{}\": not found", path));
}

struct Resolved {
  std::string path;  // clean, without leading '/'
  std::optional<TreeEntry> entry;
};

// One computation on one tree.
class Computation {
 public:
  Computation(ChecksumTree& tree, const ChecksumOptions& options, bool with_parts, std::stop_token stop)
      : tree_(tree), options_(options), with_parts_(with_parts), stop_(std::move(stop)) {}

  Result<Checksum> Run(std::string_view path) {
    if (!options_.wildcard && options_.include_patterns.empty() && options_.exclude_patterns.empty()) {
      return Single(KeyPath(path), options_.follow_links);
    }
    return Selected(path);
  }

 private:
  // Follows symlinks in all elements (in the last one only if `follow_last`), without leaving the root. Elements that
  // do not exist are passed over, as upstream does.
  Result<Resolved> Resolve(const std::string& key_path, bool follow_last) {
    std::string rest = key_path.empty() ? "" : key_path.substr(1);
    std::string current;
    std::optional<TreeEntry> entry = LOAM_TRY(tree_.Lookup(""));
    int links = 0;
    while (!rest.empty()) {
      const auto slash = rest.find('/');
      const std::string part = rest.substr(0, slash);
      rest = slash == std::string::npos ? "" : rest.substr(slash + 1);
      const std::string next = Relative(CleanRootedPath(current + "/" + part));
      entry = LOAM_TRY(tree_.Lookup(next));
      if (!entry || !entry->is_symlink() || (!follow_last && rest.empty())) {
        current = next;
        continue;
      }
      if (++links > kMaxLinks) {
        return Unexpected(ErrorCode::kInvalidArgument, fmt::format("\"{}\": too many links", key_path));
      }
      const std::string target = LOAM_TRY(tree_.ReadLink(next));
      rest = target + "/" + rest;
      if (target.starts_with('/')) {
        current.clear();
      }
      // A trailing slash makes the end of the loop look at the directory itself.
      while (rest.ends_with('/')) {
        rest.pop_back();
      }
      if (rest.empty()) {
        entry = LOAM_TRY(tree_.Lookup(current));
      }
    }
    return Resolved{std::move(current), std::move(entry)};
  }

  // Digest of one path: of a file itself, of a directory with everything in it.
  Result<Checksum> Single(const std::string& key_path, bool follow) {
    const Resolved resolved = LOAM_TRY(Resolve(key_path, follow));
    if (!resolved.entry) {
      return NotFound(key_path.empty() ? "/" : key_path);
    }
    Checksum checksum;
    if (!resolved.entry->is_dir()) {
      const std::vector<bool> all{true};
      checksum.digest = LOAM_TRY(tree_.Digests({&*resolved.entry, 1}, all, stop_)).front();
      if (with_parts_) {
        checksum.parts.push_back({"", checksum.digest});
      }
      return checksum;
    }
    const auto listing = LOAM_TRY(tree_.Subtree(resolved.path));
    entries_ = listing.entries;
    digests_ = LOAM_TRY(tree_.Digests(entries_, std::vector<bool>(entries_.size(), true), stop_));
    std::size_t at = 0;
    checksum.digest = Recursive(&at);
    if (with_parts_) {
      const std::size_t skip = resolved.path.empty() ? 0 : resolved.path.size() + 1;
      for (std::size_t i = 0; i < entries_.size(); ++i) {
        std::string part = entries_[i].path.size() > skip ? entries_[i].path.substr(skip) : "";
        if (entries_[i].is_dir()) {
          part += '/';
        }
        checksum.parts.push_back({std::move(part), digests_[i]});
      }
    }
    return checksum;
  }

  // Digest of the directory at entries_[*at]; moves *at behind it.
  Digest Recursive(std::size_t* at) {
    const std::size_t top = (*at)++;
    const std::string& dir = entries_[top].path;
    Sha256 hash;
    hash.Update(std::string_view("\0", 1));
    hash.Update(digests_[top].ToString());
    const auto inside = [&](const std::string& path) {
      return dir.empty() || (path.size() > dir.size() && path[dir.size()] == '/' && path.starts_with(dir));
    };
    while (*at < entries_.size() && inside(entries_[*at].path)) {
      const std::size_t child = *at;
      Digest digest;
      std::size_t after = child + 1;
      if (entries_[child].is_dir()) {
        after = child;
        digest = Recursive(&after);
      } else {
        digest = digests_[child];
      }
      AddChild(&hash, dir, entries_[child].path, digest);
      if (entries_[child].is_dir()) {
        AddHighNames(&hash, dir, child, after);
      }
      *at = after;
    }
    return hash.Finish();
  }

  static void AddChild(Sha256* hash, const std::string& dir, const std::string& path, const Digest& digest) {
    hash->Update(Key(dir.empty() ? "/" + path : path.substr(dir.size())));
    hash->Update(digest.ToString());
  }

  // Upstream skips what lies in a subdirectory by seeking to its name followed by a zero byte and 0xff; entries whose
  // name begins with the byte 0xff lie behind that and are counted once more.
  void AddHighNames(Sha256* hash, const std::string& dir, std::size_t child, std::size_t end) {
    const std::string prefix = entries_[child].path + "/\xFF";
    for (std::size_t i = child + 1; i < end;) {
      if (!entries_[i].path.starts_with(prefix)) {
        ++i;
        continue;
      }
      std::size_t after = i + 1;
      Digest digest = digests_[i];
      if (entries_[i].is_dir()) {
        after = i;
        digest = Recursive(&after);
      }
      AddChild(hash, dir, entries_[i].path, digest);
      if (entries_[i].is_dir()) {
        AddHighNames(hash, dir, i, after);
      }
      i = after;
    }
  }

  struct Included {
    // As asked for: the resolved prefix replaced by the given one.
    std::string path;
    std::size_t entry;
    bool directory_header;
    bool follow;
    bool included = false;
    PatternMatchInfo include_info = {};
    PatternMatchInfo exclude_info = {};
  };

  bool ShouldInclude(std::string_view candidate, const Included* parent, Included* self) {
    static const PatternMatchInfo kNone;
    if (!include_.empty() && !include_.MatchesUsingParent(candidate, parent != nullptr ? parent->include_info : kNone,
                                                          &self->include_info)) {
      return false;
    }
    return exclude_.empty() || !exclude_.MatchesUsingParent(candidate, parent != nullptr ? parent->exclude_info : kNone,
                                                            &self->exclude_info);
  }

  // What patterns and wildcards select: files, symlinks and directory headers, one by one.
  Result<Checksum> Selected(std::string_view asked) {
    const bool ends_in_slash = asked.ends_with('/');
    const std::string path = KeyPath(asked);
    include_ = LOAM_TRY_CONTEXT("invalid include patterns", PatternMatcher::Create(options_.include_patterns));
    exclude_ = LOAM_TRY_CONTEXT("invalid exclude patterns", PatternMatcher::Create(options_.exclude_patterns));

    std::string prefix = path;
    bool follow_prefix = false;
    if (options_.wildcard) {
      const auto [literal, rest] = SplitWildcard(path.empty() ? "/" : path);
      prefix = literal == "/" ? "" : literal;
      follow_prefix = !rest.empty();
    }
    const Resolved resolved = LOAM_TRY(Resolve(prefix, follow_prefix));
    ChecksumTree::Listing listing;
    if (resolved.entry) {
      listing = LOAM_TRY(tree_.Subtree(resolved.path));
    }
    entries_ = listing.entries;
    LOAM_TRY(Select(path, prefix, resolved.path, ends_in_slash));

    for (const std::string& required : options_.required_paths) {
      if (std::none_of(selected_.begin(), selected_.end(),
                       [&](const Included* item) { return item->path.starts_with(required); })) {
        return NotFound(required);
      }
    }
    std::vector<bool> wanted(entries_.size());
    for (const Included* item : selected_) {
      wanted[item->entry] = true;
    }
    const auto digests = LOAM_TRY(tree_.Digests(entries_, wanted, stop_));

    std::vector<Digest> final_digests;
    for (const Included* item : selected_) {
      Digest digest = digests[item->entry];
      if (item->follow && entries_[item->entry].is_symlink()) {
        Computation follower(tree_, options_, false, stop_);
        digest = LOAM_TRY(follower.Single(KeyPath(item->path), options_.follow_links)).digest;
      }
      final_digests.push_back(digest);
    }

    Checksum checksum;
    if (selected_.empty()) {
      checksum.digest = Digest::Of("");
    } else if (selected_.size() == 1 && BaseName(path) == BaseName(selected_[0]->path)) {
      checksum.digest = final_digests[0];
    } else {
      Sha256 hash;
      for (std::size_t i = 0; i < selected_.size(); ++i) {
        std::string key = Key(Name(*selected_[i], prefix));
        if (key.empty()) {
          key = std::string(1, '\0');
        }
        hash.Update(key);
        hash.Update(final_digests[i].ToString());
      }
      checksum.digest = hash.Finish();
    }
    if (with_parts_) {
      for (std::size_t i = 0; i < selected_.size(); ++i) {
        std::string part = Name(*selected_[i], prefix);
        part.erase(0, part.starts_with('/') ? 1 : 0);
        if (selected_[i]->directory_header) {
          part += '/';
        }
        checksum.parts.push_back({std::move(part), final_digests[i]});
      }
    }
    return checksum;
  }

  static std::string Name(const Included& item, const std::string& prefix) {
    return item.path.starts_with(prefix) ? item.path.substr(prefix.size()) : item.path;
  }

  Result<> Select(const std::string& path, const std::string& prefix, const std::string& resolved, bool ends_in_slash) {
    std::vector<Included*> parents;
    std::string matched_dir;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const TreeEntry& entry = entries_[i];
      std::string name = prefix;
      if (entry.path.size() > resolved.size()) {
        name += resolved.empty() ? "/" + entry.path : entry.path.substr(resolved.size());
      }
      while (!parents.empty() && !name.starts_with(parents.back()->path + "/")) {
        parents.pop_back();
      }
      // The header of a source directory that ends in a separator does not count; yet a wildcard has matched it.
      if (entry.is_dir() && name == path && ends_in_slash) {
        if (options_.wildcard && !path.empty()) {
          LOAM_TRY(MatchesWildcard(path, name, &matched_dir));
        }
        continue;
      }
      const Included* parent = parents.empty() ? nullptr : parents.back();
      std::string_view base = path;
      if (options_.wildcard) {
        if (!path.empty() && !LOAM_TRY(MatchesWildcard(path, name, &matched_dir))) {
          continue;
        }
        base = matched_dir;
      }
      std::string candidate = name + "/";
      const std::string base_slash = std::string(base) + "/";
      if (candidate.starts_with(base_slash)) {
        candidate.erase(0, base_slash.size());
      }
      if (candidate.ends_with('/')) {
        candidate.pop_back();
      }
      Included& item =
          items_.emplace_back(Included{name, i, entry.is_dir(), parent == nullptr && options_.follow_links});
      const bool include = ShouldInclude(candidate, parent, &item);
      if (include) {
        for (Included* above : parents) {
          if (!above->included) {
            above->included = true;
            selected_.push_back(above);
          }
        }
        item.included = true;
        selected_.push_back(&item);
      }
      if (entry.is_dir()) {
        parents.push_back(&item);
      }
    }
    return {};
  }

  // Below a matched directory everything matches.
  static Result<bool> MatchesWildcard(const std::string& pattern, const std::string& name, std::string* matched_dir) {
    if (!matched_dir->empty() && name.starts_with(*matched_dir + "/")) {
      return true;
    }
    if (!LOAM_TRY(PathMatch(pattern, name))) {
      return false;
    }
    *matched_dir = name;
    return true;
  }

  ChecksumTree& tree_;
  const ChecksumOptions& options_;
  const bool with_parts_;
  const std::stop_token stop_;
  PatternMatcher include_;
  PatternMatcher exclude_;
  std::span<const TreeEntry> entries_;
  std::vector<Digest> digests_;
  std::list<Included> items_;
  std::vector<Included*> selected_;
};

class ChecksumCacheImpl final : public ChecksumCache {
 public:
  ChecksumCacheImpl(snapshot::LayerStore& store, ChecksumCacheOptions options)
      : store_(store), options_(std::move(options)), layer_index_(std::make_shared<ChecksumIndex>("")) {}

  [[nodiscard]] snapshot::LayerStore& store() override { return store_; }

  Result<Checksum> Compute(const snapshot::FsRef& ref, std::string_view path, const ChecksumOptions& options,
                           bool with_parts, std::stop_token stop) override {
    if (ref.is_scratch()) {
      const std::string key_path = KeyPath(path);
      if (key_path.empty()) {
        return Checksum{Digest::Of(""), {}};
      }
      return NotFound(key_path);
    }
    if (ref.is_host_tree()) {
      const auto tree = LOAM_TRY(HostTreeOf(ref));
      Computation computation(*tree.first, options, with_parts, stop);
      auto checksum = computation.Run(path);
      LOAM_TRY(tree.second->Save());
      return checksum;
    }
    const std::string memo = MemoKey(ref, path, options, with_parts);
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = memo_.find(memo); found != memo_.end()) {
        return found->second;
      }
    }
    ChecksumTree tree(LOAM_TRY(store_.Mount(ref, stop)), {layer_index_, true, store_.overlay_xattr_prefix(), {}});
    Computation computation(tree, options, with_parts, stop);
    auto checksum = computation.Run(path);
    if (checksum) {
      const std::lock_guard lock(mutex_);
      memo_.emplace(memo, *checksum);
    }
    return checksum;
  }

  void ReleaseHostTrees() override {
    std::vector<HostEntry> released;  // they write their indexes, not under the lock
    const std::lock_guard lock(mutex_);
    std::erase_if(host_trees_, [&released](auto& each) {
      // The entry itself has one reference.
      if (each.first.use_count() > 1) {
        return false;
      }
      released.push_back(std::move(each.second));
      return true;
    });
  }

 private:
  using HostEntry = std::pair<std::shared_ptr<ChecksumTree>, std::shared_ptr<ChecksumIndex>>;

  Result<HostEntry> HostTreeOf(const snapshot::FsRef& ref) {
    const std::lock_guard lock(mutex_);
    for (const auto& [tree, entry] : host_trees_) {
      if (tree.lock() == ref.host_tree()) {
        return entry;
      }
    }
    std::string index_path;
    if (!options_.index_dir.empty()) {
      // One index for each directory and filter: what another filter shows would be forgotten otherwise.
      const auto& filter = ref.host_tree()->filter();
      const std::string name = ref.host_tree()->path() + '\0' + Join(filter.include, "\n") + '\0' +
                               Join(filter.exclude, "\n") + '\0' + Join(filter.follow_paths, "\n");
      index_path = options_.index_dir + "/" + Digest::Of(name).Hex();
    }
    HostEntry entry;
    entry.second = std::make_shared<ChecksumIndex>(index_path);
    std::function<void(const TreeEntry&)> on_read;
    if (options_.on_read) {
      on_read = [told = options_.on_read, directory = ref.host_tree()->path()](const TreeEntry& file) {
        told(directory, file.path, file.size);
      };
    }
    // Keeps the tree alive until ReleaseHostTrees: it is asked for again and again.
    entry.first = std::make_shared<ChecksumTree>(
        LOAM_TRY(store_.Mount(ref)),
        ChecksumTree::Options{entry.second, false, store_.overlay_xattr_prefix(), std::move(on_read)});
    if (host_trees_.size() >= kMaxTrees) {
      host_trees_.erase(host_trees_.begin());
    }
    host_trees_.emplace_back(ref.host_tree(), entry);
    return entry;
  }

  static std::string MemoKey(const snapshot::FsRef& ref, std::string_view path, const ChecksumOptions& options,
                             bool with_parts) {
    std::string key;
    for (const auto id : ref.layer_ids()) {
      key += fmt::format("{},", id.value());
    }
    const auto add = [&key](const std::vector<std::string>& list) {
      key += '\0';
      for (const std::string& item : list) {
        key += item;
        key += '\n';
      }
    };
    key += path;
    key += fmt::format("|{}{}{}", options.follow_links, options.wildcard, with_parts);
    add(options.include_patterns);
    add(options.exclude_patterns);
    add(options.required_paths);
    return key;
  }

  snapshot::LayerStore& store_;
  const ChecksumCacheOptions options_;
  // Files of layers, by inode: the same file seen in several stacks is read once. In memory only.
  const std::shared_ptr<ChecksumIndex> layer_index_;
  std::mutex mutex_;  // guards everything below
  std::vector<std::pair<std::weak_ptr<const snapshot::HostTree>, HostEntry>> host_trees_;
  std::unordered_map<std::string, Checksum> memo_;
};

}  // namespace

Result<std::unique_ptr<ChecksumCache>> ChecksumCache::Open(snapshot::LayerStore& store, ChecksumCacheOptions options) {
  if (!options.index_dir.empty()) {
    LOAM_TRY(MakeDirs(options.index_dir, 0700));
  }
  return std::make_unique<ChecksumCacheImpl>(store, std::move(options));
}

}  // namespace loam::cache
