#include "runtime-executor/source/git/git_mirror.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/redact_urls.h"
#include "base/rooted_fs.h"
#include "base/stoppable_sleep.h"
#include "base/strings.h"

namespace loam::source {
namespace {

constexpr std::chrono::milliseconds kAskTimeout{120'000};
constexpr std::chrono::milliseconds kLockPoll{20};
constexpr std::size_t kSha256Size = 64;

// Waits for the lock, or until it is no longer wanted.
Result<FileLock> Lock(const std::string& path, const std::stop_token& stop) {
  while (true) {
    if (auto lock = LOAM_TRY(FileLock::TryAcquire(path, FileLock::Mode::kExclusive))) {
      return std::move(*lock);
    }
    if (!SleepUnlessStopped(kLockPoll, stop)) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
  }
}

// Lock files and half packs of processes that were killed; nobody else has the mirror open.
Result<> RemoveLeftovers(const std::string& path) {
  for (const char* const name : {"", "/objects/pack", "/refs/loam"}) {
    const std::string directory = path + name;
    auto names = ListDir(directory);
    if (!names) {
      if (names.error().Is(ErrorCode::kNotFound)) {
        continue;
      }
      return tl::unexpected(std::move(names).error());
    }
    for (const std::string& file : *names) {
      if (file.ends_with(".lock") || file.starts_with("tmp_")) {
        LOAM_TRY(RemoveTree(directory + "/" + file));
      }
    }
  }
  return {};
}

std::int64_t Number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string WithoutPrefix(const std::string& text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

std::vector<std::string> CoAuthors(std::string_view message) {
  constexpr std::string_view kTrailer = "co-authored-by:";
  std::vector<std::string> authors;
  for (const std::string_view line : Split(message, '\n')) {
    if (ToLowerAscii(line.substr(0, kTrailer.size())) == kTrailer) {
      authors.emplace_back(TrimSpace(line.substr(kTrailer.size())));
    }
  }
  return authors;
}

}  // namespace

bool IsCommitId(std::string_view text) {
  return (text.size() == 40 || text.size() == kSha256Size) &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<GitTarget> ChooseGitRef(std::string_view listing, const std::string& ref) {
  std::map<std::string, std::string, std::less<>> ids;
  std::string head;
  for (const std::string_view line : Split(listing, '\n')) {
    const auto pair = SplitOnce(TrimSpace(line), '\t');
    if (!pair) {
      continue;
    }
    if (pair->first.starts_with("ref: ")) {
      if (pair->second == "HEAD") {
        head = pair->first.substr(5);
      }
    } else {
      ids.emplace(pair->second, pair->first);
    }
  }
  const auto id_of = [&](const std::string& name) {
    const auto found = ids.find(name);
    return found == ids.end() ? std::string() : found->second;
  };
  GitTarget target;
  if (ref.empty()) {
    // A server that tells no name of its HEAD still has one.
    target.ref = head;
    target.id = id_of("HEAD");
    if (target.ref.empty()) {
      for (const auto& [name, id] : ids) {
        if (name.starts_with("refs/heads/") && id == target.id) {
          target.ref = name;
          break;
        }
      }
    }
    if (target.id.empty() || target.ref.empty()) {
      return Unexpected(Error(ErrorCode::kNotFound, "the repository has no default branch")
                            .WithHint("it may be empty; else name a branch behind `#`"));
    }
  } else {
    const std::string branch = "refs/heads/" + WithoutPrefix(ref, "refs/heads/");
    const std::string tag = "refs/tags/" + WithoutPrefix(ref, "refs/tags/");
    const std::string other = "refs/" + WithoutPrefix(ref, "refs/");
    for (const std::string& name : {other, branch, tag}) {
      if (target.id.empty()) {
        target.ref = name;
        target.id = id_of(name);
      }
    }
    if (target.id.empty()) {
      return Unexpected(ErrorCode::kNotFound, fmt::format("repository does not contain ref {}", ref));
    }
    if (target.ref == tag) {
      target.commit = id_of(tag + "^{}");
    }
  }
  if (!IsCommitId(target.id) || (!target.commit.empty() && !IsCommitId(target.commit))) {
    return Unexpected(ErrorCode::kDataLoss,
                      fmt::format("the server gives `{}` as the commit of {}", target.id, target.ref));
  }
  return target;
}

Result<GitTarget> ResolveGitRef(const GitCli& git, const std::string& remote, const std::string& ref,
                                solver::ProgressWriter* progress, std::stop_token stop) {
  GitCall call;
  call.idle_timeout = kAskTimeout;
  call.args = {"ls-remote", "--symref", "--", "origin", ref.empty() ? "HEAD" : ref};
  if (!ref.empty()) {
    call.args.push_back(ref + "^{}");
  }
  const std::string shown = RedactUrls(remote);
  std::string listing = LOAM_TRY_CONTEXT(shown, git.Run(call, progress, stop));
  if (ref.empty() && listing.find("ref: ") == std::string::npos && !listing.empty()) {
    // An old server: the branch that HEAD equals.
    call.args = {"ls-remote", "--", "origin", "HEAD", "refs/heads/*"};
    listing = LOAM_TRY_CONTEXT(shown, git.Run(call, progress, stop));
  }
  return LOAM_TRY_CONTEXT(shown, ChooseGitRef(listing, ref));
}

Result<GitMirror> GitMirror::Open(const GitCli& git, const std::string& mirrors_dir, const std::string& remote,
                                  const std::string& id, solver::ProgressWriter* progress, std::stop_token stop) {
  LOAM_TRY(MakeDirs(mirrors_dir, 0700));
  // Not the remote itself: it may hold credentials, and is no file name.
  const std::string path = fmt::format("{}/{}{}", mirrors_dir, Digest::Of(remote).Hex().substr(0, 40),
                                       id.size() == kSha256Size ? "-sha256" : "");
  GitMirror mirror(git, path, LOAM_TRY(Lock(path + ".lock", stop)), progress, stop);
  LOAM_TRY_CONTEXT("prepare the mirror of the repository", mirror.Make(id.size(), RedactUrls(remote)));
  return mirror;
}

Result<> GitMirror::Make(std::size_t id_size, const std::string& remote) {
  const std::string mark = fmt::format("{}/{}", path_, kMark);
  if (::utimensat(AT_FDCWD, mark.c_str(), nullptr, 0) == 0) {
    return RemoveLeftovers(path_);
  }
  LOAM_TRY(RemoveTree(path_));
  std::vector<std::string> args = {"init", "--quiet", "--bare"};
  if (id_size == kSha256Size) {
    args.emplace_back("--object-format=sha256");
  }
  LOAM_TRY(Git(std::move(args)));
  return WriteFileAtomic(mark, remote);
}

Result<std::string> GitMirror::Git(std::vector<std::string> args, bool shows_progress) {
  GitCall call;
  call.args = std::move(args);
  call.git_dir = path_;
  call.shows_progress = shows_progress;
  return git_.Run(call, shows_progress ? progress_ : nullptr, stop_);
}

Result<bool> GitMirror::Has(const GitTarget& target) {
  // Kept by a ref: its files came with it.
  auto kept = Git({"rev-parse", "--quiet", "--verify", KeptRef(target.id) + "^{commit}"});
  if (kept) {
    return true;
  }
  if (kept.error().Detail<GitErrorDetail>() != nullptr) {
    return false;
  }
  return tl::unexpected(std::move(kept).error());
}

Result<> GitMirror::Fetch(const GitTarget& target, bool exact) {
  if (LOAM_TRY(Has(target))) {
    return {};
  }
  auto fetched = FetchOnce(target, exact);
  if (!fetched &&
      SaysAny(fetched.error(),
              {"not a git repository", "bad object", "corrupt", "missing blob object", "unable to read", "bad config",
               "loose object", "unable to update local ref", "would clobber existing tag", "refname conflict"})) {
    // The mirror is damaged: begin anew.
    const std::string remote = ReadFile(fmt::format("{}/{}", path_, kMark)).value_or("");
    LOAM_TRY(RemoveTree(path_));
    LOAM_TRY(Make(target.id.size(), remote));
    fetched = FetchOnce(target, exact);
  }
  return fetched;
}

Result<> GitMirror::FetchShallow(const std::string& from, const std::string& id) {
  const std::string refspec = fmt::format("+{}:{}", from, KeptRef(id) + ".new");
  std::vector<std::string> args = {
      "fetch", "--progress", "--no-tags", "--no-write-fetch-head", "--depth=1", "--update-shallow", "--force",
      "--",    "origin",     refspec};
  auto fetched = Git(args, true);
  if (!fetched && SaysAny(fetched.error(), {"--depth", "shallow"})) {
    // A server that cannot cut the history.
    std::erase(args, "--depth=1");
    fetched = Git(args, true);
  }
  LOAM_TRY(std::move(fetched));
  return {};
}

Result<> GitMirror::FetchEverything() {
  std::vector<std::string> args = {"fetch", "--progress", "--no-write-fetch-head", "--tags", "--force"};
  if (::access((path_ + "/shallow").c_str(), F_OK) == 0) {
    args.emplace_back("--unshallow");
  }
  args.insert(args.end(), {"--", "origin", "+refs/heads/*:refs/loam-all/heads/*", "+refs/tags/*:refs/loam-all/tags/*"});
  LOAM_TRY(Git(args, true));
  return {};
}

Result<> GitMirror::FetchOnce(const GitTarget& target, bool exact) {
  const std::string fresh = KeptRef(target.id) + ".new";
  const bool by_name = !exact && !IsCommitId(target.ref);
  bool found = false;
  if (by_name) {
    LOAM_TRY(FetchShallow(target.ref, target.id));
    const std::string id(TrimSpace(LOAM_TRY(Git({"rev-parse", "--verify", fresh}))));
    // Else the ref moved on since it was resolved.
    found = id == target.id;
  }
  if (!found) {
    auto fetched = FetchShallow(target.id, target.id);
    if (!fetched) {
      if (exact || !SaysAny(fetched.error(), {"not our ref", "unadvertised object", "couldn't find remote ref"})) {
        return fetched;
      }
      // The server gives only what its refs point to: the commit may be in their history.
      LOAM_TRY(FetchEverything());
    }
  }
  auto kept = Git({"update-ref", "--no-deref", KeptRef(target.id), target.id});
  (void)Git({"update-ref", "-d", fresh});
  if (!kept) {
    if (kept.error().Detail<GitErrorDetail>() == nullptr) {
      return tl::unexpected(std::move(kept).error());
    }
    return Unexpected(
        ErrorCode::kNotFound,
        by_name ? fmt::format("{} has moved, and the commit {} is gone from the server", target.ref, target.id)
                : fmt::format("the repository has no commit {}", target.id));
  }
  return {};
}

Result<std::string> GitMirror::ReadObject(const std::string& kind, const std::string& id) {
  return Git({"cat-file", kind, id});
}

Result<GitCommit> GitMirror::ReadCommit(const GitTarget& target) {
  const std::string text =
      LOAM_TRY(Git({"log", "-1", "--no-show-signature", "--no-color", "--no-mailmap",
                    "--format=%H%x00%an%x00%ae%x00%at%x00%ct%x00%B", KeptRef(target.id) + "^{commit}"}));
  const std::vector<std::string_view> parts = Split(text, '\0');
  if (parts.size() < 6) {
    return Unexpected(ErrorCode::kDataLoss, fmt::format("git gives no facts of the commit {}", target.id));
  }
  GitCommit commit;
  commit.id = parts[0];
  commit.ref = target.ref;
  commit.author_name = parts[1];
  commit.author_email = parts[2];
  commit.author_time = Number(parts[3]);
  commit.committer_time = Number(parts[4]);
  commit.message = TrimSpace(parts[5]);
  commit.co_authors = CoAuthors(commit.message);
  return commit;
}

}  // namespace loam::source
