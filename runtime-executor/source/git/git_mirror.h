// GitMirror: a bare repository under the state root that holds what was fetched of one remote. Commits are fetched
// shallow, under refs of our own, so that refs of the remote never get into each other's way. Locked while it is open.
#pragma once

#include <stop_token>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "runtime-executor/source/git/git_cli.h"
#include "runtime-executor/source/git/git_tree.h"

namespace loam::source {

// What a ref of a remote points to.
struct GitTarget {
  // "refs/heads/main"; or the commit id itself if that was asked for.
  std::string ref;
  // The object: a commit or an annotated tag.
  std::string id;
  // The commit of an annotated tag; else empty.
  std::string commit;

  [[nodiscard]] const std::string& commit_id() const { return commit.empty() ? id : commit; }
};

// 40 or 64 hexadecimal digits.
bool IsCommitId(std::string_view text);

// Asks the remote ("origin" of the cli's configuration) what `ref` points to ("": HEAD), as git checkout would take it:
// branches before tags. kNotFound if it has no such ref.
Result<GitTarget> ResolveGitRef(const GitCli& git, const std::string& remote, const std::string& ref,
                                solver::ProgressWriter* progress, std::stop_token stop);
// The same from the output of `git ls-remote --symref`.
Result<GitTarget> ChooseGitRef(std::string_view listing, const std::string& ref);

class GitMirror {
 public:
  // Makes the repository if it does not exist, removes what killed processes left in it. Waits for others who have it
  // open. `id` is any id of the remote (its length tells the object format).
  static Result<GitMirror> Open(const GitCli& git, const std::string& mirrors_dir, const std::string& remote,
                                const std::string& id, solver::ProgressWriter* progress, std::stop_token stop);

  // Brings the target's object and the commit's files here, if they are not. `exact`: fetch by the id alone.
  Result<> Fetch(const GitTarget& target, bool exact);
  // Facts of a commit that was fetched.
  Result<GitCommit> ReadCommit(const GitTarget& target);
  // An object that was fetched, as git stores it; `kind` is "commit" or "tag".
  Result<std::string> ReadObject(const std::string& kind, const std::string& id);

  [[nodiscard]] const std::string& path() const { return path_; }
  // The ref under which a fetched object is kept.
  static std::string KeptRef(const std::string& id) { return "refs/loam/" + id; }
  // A file in every finished mirror: the remote without credentials; its time is that of the last use.
  static constexpr const char* kMark = "loam-ready";

 private:
  GitMirror(const GitCli& git, std::string path, FileLock lock, solver::ProgressWriter* progress, std::stop_token stop)
      : git_(git), path_(std::move(path)), lock_(std::move(lock)), progress_(progress), stop_(std::move(stop)) {}

  Result<> Make(std::size_t id_size, const std::string& remote);
  Result<bool> Has(const GitTarget& target);
  Result<> FetchOnce(const GitTarget& target, bool exact);
  Result<> FetchShallow(const std::string& from, const std::string& id);
  Result<> FetchEverything();
  Result<std::string> Git(std::vector<std::string> args, bool shows_progress = false);

  const GitCli& git_;
  std::string path_;
  FileLock lock_;
  solver::ProgressWriter* progress_;
  std::stop_token stop_;
};

}  // namespace loam::source
