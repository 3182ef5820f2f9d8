#include "compiler/sema/earthfile/git_cache.h"

#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/file_system.h"
#include "base/strings.h"
#include "compiler/sema/earthfile/git_facts.h"
#include "compiler/sema/earthfile/git_program.h"
#include "compiler/sema/earthfile/reference.h"

namespace loam::sema::earthfile {
namespace {

bool IsCommit(std::string_view tag) {
  return tag.size() == 40 && tag.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsDirectory(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

struct RemoteRefs {
  std::string head_branch;                                // "main"
  std::vector<std::pair<std::string, std::string>> refs;  // name ("refs/heads/x", "HEAD") and commit; tags peeled

  [[nodiscard]] const std::string* Find(std::string_view name) const {
    for (const auto& [ref, commit] : refs) {
      if (ref == name) {
        return &commit;
      }
    }
    return nullptr;
  }
};

// `git ls-remote --symref`.
RemoteRefs ParseRefs(std::string_view text) {
  RemoteRefs result;
  for (const std::string_view line : Split(text, '\n')) {
    const auto fields = SplitOnce(line, '\t');
    if (!fields) {
      continue;
    }
    auto [commit, name] = *fields;
    if (commit.starts_with("ref: refs/heads/") && name == "HEAD") {
      result.head_branch = commit.substr(16);
    } else if (IsCommit(commit)) {
      if (name.ends_with("^{}")) {
        name.remove_suffix(3);
        std::erase_if(result.refs, [&](const auto& ref) { return ref.first == name; });
      }
      result.refs.emplace_back(name, commit);
    }
  }
  return result;
}

// The ref that `tag` means, as "refs/heads/x"; "HEAD" for "".
std::string RefOf(const RemoteRefs& refs, const std::string& tag) {
  if (tag.empty()) {
    return "HEAD";
  }
  for (const std::string_view prefix : {"refs/heads/", "refs/tags/", "refs/", ""}) {
    std::string name = fmt::format("{}{}", prefix, tag);
    if (refs.Find(name) != nullptr) {
      return name;
    }
  }
  return {};
}

// The same facts that a clone at the commit would tell.
void AddRefFacts(GitFacts& facts, const RemoteRefs& refs, const std::string& tag) {
  for (const auto& [name, commit] : refs.refs) {
    if (commit != facts.hash) {
      continue;
    }
    if (name.starts_with("refs/tags/")) {
      facts.tags.push_back(name.substr(10));
    }
    if (name.starts_with("refs/heads/") || name.starts_with("refs/tags/")) {
      std::string last = name.substr(name.rfind('/') + 1);
      if (std::find(facts.refs.begin(), facts.refs.end(), last) == facts.refs.end()) {
        facts.refs.push_back(std::move(last));
      }
    }
  }
  if (tag.empty()) {
    facts.branches = {refs.head_branch};
  } else if (!IsCommit(tag) && !facts.hash.starts_with(tag)) {
    facts.branches = {tag};
  }
  std::erase(facts.branches, "");
}

bool HasCommit(const std::string& repository, const std::string& commit) {
  return RunGit({.args = {"cat-file", "-e", commit + "^{commit}"}, .directory = repository, .ssh_command = {}})
      .has_value();
}

Result<std::string> CheckOut(const std::string& repository, const std::string& trees, const std::string& commit) {
  std::string tree = fmt::format("{}/{}", trees, commit);
  if (IsDirectory(tree)) {
    return tree;
  }
  LOAM_TRY(MakeDirs(trees));
  TempDir made = LOAM_TRY(TempDir::Create(trees, "new-"));
  const std::string files = made.Child("tree");
  LOAM_TRY(MakeDirs(files));
  // An index of its own: the repository is shared.
  LOAM_TRY(RunGit({.args = {"--work-tree", files, "-c", "core.bare=false", "-c", "advice.detachedHead=false",
                            "checkout", "--force", commit, "--", "."},
                   .directory = repository,
                   .ssh_command = {}}));
  if (rename(files.c_str(), tree.c_str()) != 0 && !IsDirectory(tree)) {
    return UnexpectedErrno(fmt::format("rename {} to {}", files, tree));
  }
  return tree;
}

}  // namespace

Result<GitCache::Checkout> GitCache::Get(const std::vector<std::string>& urls, const std::string& tag,
                                         const std::string& ssh_command) {
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(mutex_);
    auto& slot = entries_[{urls.empty() ? std::string() : urls.front(), tag}];
    if (!slot) {
      slot = std::make_shared<Entry>();
    }
    entry = slot;
  }
  const std::lock_guard lock(entry->mutex);
  if (!entry->checkout) {
    entry->checkout = Unexpected(ErrorCode::kInvalidArgument, "there is no address to clone from");
    std::string failures;
    for (const std::string& url : urls) {
      entry->checkout = Fetch(url, tag, ssh_command);
      if (*entry->checkout) {
        break;
      }
      failures += fmt::format("{}{}: {}", failures.empty() ? "" : "; ", ScrubCredentials(url),
                              (*entry->checkout).error().message());
    }
    if (!*entry->checkout && !failures.empty()) {
      entry->checkout = Unexpected((*entry->checkout).error().code(), failures);
    }
  }
  return *entry->checkout;
}

Result<GitCache::Checkout> GitCache::Fetch(const std::string& url, const std::string& tag,
                                           const std::string& ssh_command) const {
  const std::string repository = fmt::format("{}/repositories/{}.git", directory_, Digest::Of(url).Hex());
  LOAM_TRY(MakeDirs(directory_ + "/repositories"));
  const FileLock lock = LOAM_TRY(FileLock::Acquire(repository + ".lock", FileLock::Mode::kExclusive));
  const auto git = [&](std::vector<std::string> args) {
    return RunGit({.args = std::move(args), .directory = repository, .ssh_command = ssh_command});
  };
  if (!IsDirectory(repository)) {
    LOAM_TRY(RunGit({.args = {"init", "--quiet", "--bare", repository}, .directory = {}, .ssh_command = {}}));
  }
  Checkout checkout{.url = url, .commit = {}, .tree = {}, .git = {}};
  RemoteRefs refs;
  if (IsCommit(tag) && HasCommit(repository, tag)) {
    checkout.commit = tag;
  } else if (offline_) {
    return Unexpected(ErrorCode::kUnavailable, fmt::format("`{}` is not in the cache, and the network is off",
                                                           tag.empty() ? "the default branch" : tag));
  } else {
    refs = ParseRefs(LOAM_TRY(git({"ls-remote", "--symref", "--", url})));
    const std::string ref = IsCommit(tag) ? tag : RefOf(refs, tag);
    if (!ref.empty()) {
      checkout.commit = IsCommit(tag) ? tag : refs.Find(ref) != nullptr ? *refs.Find(ref) : std::string();
      if (checkout.commit.empty()) {
        return Unexpected(ErrorCode::kNotFound, "the repository is empty");
      }
      if (!HasCommit(repository, checkout.commit)) {
        static_cast<void>(git({"fetch", "--quiet", "--no-tags", "--depth=1", "--", url, ref}));
      }
    }
    if (checkout.commit.empty() || !HasCommit(repository, checkout.commit)) {
      // A short hash, or a commit that the server gives only with its branch.
      const bool shallow = IsDirectory(repository) && git({"rev-parse", "--is-shallow-repository"}) == "true";
      std::vector<std::string> args = {"fetch", "--quiet", "--force"};
      if (shallow) {
        args.emplace_back("--unshallow");
      }
      args.insert(args.end(), {"--", url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"});
      LOAM_TRY(git(std::move(args)));
      auto full = git({"rev-parse", "--verify", "--quiet", tag + "^{commit}"});
      if (!full) {
        return Unexpected(ErrorCode::kNotFound, fmt::format("there is no branch, tag or commit `{}`", tag));
      }
      checkout.commit = std::move(*full);
    }
  }
  checkout.tree = LOAM_TRY(CheckOut(repository, directory_ + "/trees", checkout.commit));
  checkout.git = LOAM_TRY(ReadCommitFacts(repository, checkout.commit));
  checkout.git.origin_url = url;
  AddRefFacts(checkout.git, refs, tag);
  return checkout;
}

}  // namespace loam::sema::earthfile
