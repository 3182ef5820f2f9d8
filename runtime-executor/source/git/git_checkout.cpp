#include "runtime-executor/source/git/git_checkout.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/pattern_matcher.h"
#include "base/redact_urls.h"
#include "base/rooted_fs.h"
#include "base/strings.h"

namespace loam::source {
namespace {

constexpr const char* kGitDir = ".git";

bool IsDirectory(int parent, const DirEntry& entry) {
  if (entry.type != DT_UNKNOWN) {
    return entry.type == DT_DIR;
  }
  struct stat info {};
  return ::fstatat(parent, entry.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

class Checkout {
 public:
  Checkout(const GitCheckout& checkout, std::stop_token stop)
      : checkout_(checkout),
        request_(*checkout.request),
        tree_(checkout.scratch + "/tree"),
        keeps_git_dir_(request_.keep_git_dir && Subdir().empty()),
        git_dir_(keeps_git_dir_ ? tree_ + "/" + kGitDir : checkout.scratch + "/git"),
        stop_(std::move(stop)) {}

  Result<std::string> Write() {
    LOAM_TRY(MakeDirs(tree_, 0755));
    std::vector<std::string> init = {"init", "--quiet"};
    if (checkout_.target->id.size() == 64) {
      init.emplace_back("--object-format=sha256");
    }
    LOAM_TRY(Git(std::move(init)));
    // What stays gets no credentials.
    LOAM_TRY(Git({"config", "remote.origin.url", keeps_git_dir_ ? RedactUrls(request_.remote) : request_.remote}));
    if (keeps_git_dir_) {
      LOAM_TRY(CloneCommit());
    } else {
      LOAM_TRY(BorrowObjects());
      LOAM_TRY(Git({"read-tree", "--reset", "-u", GitMirror::KeptRef(checkout_.target->id) + "^{tree}"}));
    }
    if (!request_.skip_submodules && ::access((tree_ + "/.gitmodules").c_str(), F_OK) == 0) {
      LOAM_TRY(FetchSubmodules());
    }
    if (keeps_git_dir_) {
      LOAM_TRY(TidyGitDir());
    } else {
      const UniqueFd tree = LOAM_TRY(OpenFile(tree_, O_RDONLY | O_DIRECTORY));
      LOAM_TRY(RemoveGitLinks(tree.get()));
    }
    return Scoped();
  }

 private:
  [[nodiscard]] std::string Subdir() const {
    const std::string clean = CleanRootedPath(request_.subdir);
    return clean.substr(1);
  }

  Result<std::string> Git(std::vector<std::string> args, std::string protocols = "none",
                          solver::ProgressWriter* progress = nullptr) {
    GitCall call;
    call.args = std::move(args);
    call.git_dir = git_dir_;
    call.work_tree = tree_;
    call.allowed_protocols = std::move(protocols);
    return checkout_.git->Run(call, progress, stop_);
  }

  // The objects stay in the mirror; nothing but the files is written.
  Result<> BorrowObjects() {
    LOAM_TRY(MakeDirs(git_dir_ + "/objects/info"));
    LOAM_TRY(WriteFileAtomic(git_dir_ + "/objects/info/alternates", checkout_.mirror + "/objects\n"));
    const std::string& id = checkout_.target->id;
    LOAM_TRY(Git({"update-ref", "--no-deref", GitMirror::KeptRef(id), id}));
    return {};
  }

  // A `.git` with that one commit, detached, under the name by which it was asked for.
  Result<> CloneCommit() {
    const GitTarget& target = *checkout_.target;
    std::string refspec = "+" + GitMirror::KeptRef(target.id);
    if (!IsCommitId(target.ref)) {
      refspec += ":" + target.ref;
    }
    LOAM_TRY(
        Git({"fetch", "--quiet", "-u", "--depth=1", "--no-tags", "--", "file://" + checkout_.mirror, refspec}, "file"));
    LOAM_TRY(Git({"checkout", "--quiet", "--detach", "FETCH_HEAD"}));
    return {};
  }

  Result<> FetchSubmodules() {
    // Relative URLs are relative to the remote, which the configuration names.
    std::vector<std::string> update{"submodule", "update", "--init", "--recursive", "--depth=1"};
    const std::string& protocols = checkout_.git->options().allowed_protocols;
    auto updated = Git(update, protocols, checkout_.progress);
    if (!updated && SaysAny(updated.error(), {"--depth", "shallow"})) {
      // A server that cannot cut histories short ("dumb http transport does not support shallow capabilities").
      update.pop_back();
      updated = Git(std::move(update), protocols, checkout_.progress);
    }
    if (!updated) {
      return tl::unexpected(std::move(updated).error().Wrap("submodules"));
    }
    return {};
  }

  // Nothing that differs from one checkout to the next.
  Result<> TidyGitDir() {
    LOAM_TRY(Git({"config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"}));
    LOAM_TRY(Git({"reflog", "expire", "--all", "--expire=now"}));
    LOAM_TRY(RemoveTree(git_dir_ + "/FETCH_HEAD"));
    return {};
  }

  // Submodules point to their repositories by a file `.git`, which lead nowhere once the checkout is a layer.
  Result<> RemoveGitLinks(int directory) {
    for (const DirEntry& entry : LOAM_TRY(ReadDir(directory))) {
      if (entry.name == kGitDir) {
        LOAM_TRY(RemoveTreeAt(directory, entry.name));
      } else if (IsDirectory(directory, entry)) {
        const UniqueFd below = LOAM_TRY(OpenFileAt(directory, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        LOAM_TRY(RemoveGitLinks(below.get()));
      }
    }
    return {};
  }

  Result<std::string> Scoped() {
    const std::string subdir = Subdir();
    if (subdir.empty()) {
      return tree_;
    }
    std::string path = tree_;
    for (const std::string_view part : Split(subdir, '/')) {
      path.append("/").append(part);
      struct stat info {};
      if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
          return Unexpected(ErrorCode::kNotFound, fmt::format("the repository has no directory `{}`", subdir));
        }
        return UnexpectedErrno(fmt::format("stat `{}`", subdir));
      }
      if (!S_ISDIR(info.st_mode)) {
        return Unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("`{}` of the repository leads through something that is no directory", subdir));
      }
    }
    return path;
  }

  const GitCheckout& checkout_;
  const GitTreeRequest& request_;
  const std::string tree_;
  const bool keeps_git_dir_;
  const std::string git_dir_;
  const std::stop_token stop_;
};

}  // namespace

Result<std::string> WriteCheckout(const GitCheckout& checkout, std::stop_token stop) {
  return Checkout(checkout, std::move(stop)).Write();
}

Result<> SetTimes(int dir_fd, std::int64_t seconds) {
  const timespec times[2] = {{seconds, 0}, {seconds, 0}};
  for (const DirEntry& entry : LOAM_TRY(ReadDir(dir_fd))) {
    if (IsDirectory(dir_fd, entry)) {
      const UniqueFd below = LOAM_TRY(OpenFileAt(dir_fd, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      LOAM_TRY(SetTimes(below.get(), seconds));
    } else if (::utimensat(dir_fd, entry.name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
      return UnexpectedErrno(fmt::format("set the time of `{}`", entry.name));
    }
  }
  if (::futimens(dir_fd, times) != 0) {
    return UnexpectedErrno("set the time of a directory");
  }
  return {};
}

}  // namespace loam::source
