#include "runtime-executor/ops/file_actions.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/file_copy.h"
#include "runtime-executor/ops/file_unpack.h"

namespace loam::ops {

namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;
constexpr mode_t kPermissions = 0777;

// -1: none.
std::optional<timespec> TimeOf(std::int64_t timestamp) {
  if (timestamp == -1) {
    return std::nullopt;
  }
  std::int64_t seconds = timestamp / kNanoseconds;
  std::int64_t rest = timestamp % kNanoseconds;
  if (rest < 0) {
    rest += kNanoseconds;
    --seconds;
  }
  return timespec{seconds, rest};
}

Result<> SetOwnerAndTime(int dir, const std::string& name, const FileOwner& owner, std::int64_t timestamp,
                         const std::string& shown) {
  if (owner && fchownat(dir, name.c_str(), owner->first, owner->second, AT_SYMLINK_NOFOLLOW) != 0) {
    return UnexpectedErrno("set the owner of " + shown);
  }
  if (const auto time = TimeOf(timestamp)) {
    const timespec times[2] = {*time, *time};
    if (utimensat(dir, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
      return UnexpectedErrno("set times of " + shown);
    }
  }
  return {};
}

// The place a path names, its last element followed if it is a link.
Result<ParentAndName> FollowedPlace(int root_fd, const std::string& path) {
  const std::string resolved = LOAM_TRY(SourceTree(root_fd).Resolve(path, true));
  return OpenParentInRoot(root_fd, "/" + resolved);
}

Result<> RemovePath(int root_fd, const std::string& path, bool allow_not_found) {
  const std::string clean = CleanRootedPath(path);
  if (clean == "/") {
    return Unexpected(ErrorCode::kInvalidArgument, "rm: the root cannot be removed");
  }
  auto place = OpenParentInRoot(root_fd, clean);
  if (!place) {
    if (place.error().Is(ErrorCode::kNotFound) && allow_not_found) {
      return {};
    }
    return Unexpected(place.error().Wrap("rm " + clean));
  }
  struct stat info {};
  if (fstatat(place->parent.get(), place->name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT && allow_not_found) {
      return {};
    }
    return UnexpectedErrno("rm " + clean);
  }
  LOAM_TRY_CONTEXT("rm " + clean, RemoveTreeAt(place->parent.get(), place->name));
  return {};
}

template <class Repeated>
std::vector<std::string> Texts(const Repeated& list) {
  return {list.begin(), list.end()};
}

}  // namespace

Result<> MakeDirectoryAction(int root_fd, const pb::FileActionMkDir& action, const FileOwner& owner) {
  const std::string path = CleanRootedPath(action.path());
  const auto mode = static_cast<mode_t>(action.mode()) & kPermissions;
  if (action.makeparents()) {
    FileCopyOptions options;
    options.owner = owner;
    options.time = TimeOf(action.timestamp());
    std::vector<std::string> made;
    LOAM_TRY_CONTEXT("mkdir " + path, MakeParents(root_fd, path, mode, options, &made));
    return {};
  }
  if (path == "/") {
    return {};
  }
  const auto place = LOAM_TRY_CONTEXT("mkdir " + path, FollowedPlace(root_fd, path));
  if (place.name.empty()) {
    return {};
  }
  if (mkdirat(place.parent.get(), place.name.c_str(), mode) != 0) {
    if (errno == EEXIST) {
      return {};
    }
    return UnexpectedErrno("mkdir " + path);
  }
  if (fchmodat(place.parent.get(), place.name.c_str(), mode, 0) != 0) {
    return UnexpectedErrno("set the mode of " + path);
  }
  return SetOwnerAndTime(place.parent.get(), place.name, owner, action.timestamp(), path);
}

Result<> MakeFileAction(int root_fd, const pb::FileActionMkFile& action, const FileOwner& owner) {
  const std::string path = CleanRootedPath(action.path());
  const auto mode = static_cast<mode_t>(action.mode()) & kPermissions;
  const auto place = LOAM_TRY_CONTEXT("create " + path, FollowedPlace(root_fd, path));
  if (place.name.empty()) {
    return Unexpected(Error::FromErrno(EISDIR, "create " + path));
  }
  // An existing file keeps its mode and gets new content.
  bool made = true;
  UniqueFd file(
      openat(place.parent.get(), place.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file.valid() && errno == EEXIST) {
    made = false;
    file = UniqueFd(openat(place.parent.get(), place.name.c_str(), O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC));
  }
  if (!file.valid()) {
    return UnexpectedErrno("create " + path);
  }
  if (made && fchmod(file.get(), mode) != 0) {
    return UnexpectedErrno("set the mode of " + path);
  }
  LOAM_TRY(WriteAll(file.get(), action.data(), path));
  return SetOwnerAndTime(place.parent.get(), place.name, owner, action.timestamp(), path);
}

Result<> SymlinkAction(int root_fd, const pb::FileActionSymlink& action, const FileOwner& owner) {
  const std::string path = CleanRootedPath(action.newpath());
  const auto place = LOAM_TRY_CONTEXT("symlink " + path, FollowedPlace(root_fd, path));
  if (place.name.empty()) {
    return Unexpected(Error::FromErrno(EEXIST, "symlink " + path));
  }
  if (symlinkat(action.oldpath().c_str(), place.parent.get(), place.name.c_str()) != 0) {
    return UnexpectedErrno("symlink " + path);
  }
  return SetOwnerAndTime(place.parent.get(), place.name, owner, action.timestamp(), path);
}

Result<> RemoveAction(int root_fd, const pb::FileActionRm& action) {
  if (!action.allowwildcard()) {
    return RemovePath(root_fd, action.path(), action.allownotfound());
  }
  auto matches = SourceTree(root_fd).ResolveWildcards(CleanRootedPath(action.path()), false);
  if (!matches) {
    if (matches.error().Is(ErrorCode::kNotFound) && action.allownotfound()) {
      return {};
    }
    return Unexpected(matches.error().Wrap("rm " + action.path()));
  }
  for (const std::string& match : *matches) {
    LOAM_TRY(RemovePath(root_fd, match, action.allownotfound()));
  }
  return {};
}

Result<> CopyAction(const SourceTree& source, int root_fd, const pb::FileActionCopy& action, const FileOwner& owner,
                    std::stop_token stop) {
  const std::string source_path = CleanKeepingEnd(action.src());
  const std::string dest_path = CleanKeepingEnd(action.dest());
  if (!action.createdestpath()) {
    const SourceTree dest(root_fd);
    const std::string resolved = LOAM_TRY(dest.Resolve(dest_path, true));
    const auto slash = resolved.rfind('/');
    const auto parent = LOAM_TRY(dest.Lstat(slash == std::string::npos ? "" : resolved.substr(0, slash)));
    if (!parent) {
      return Unexpected(Error::FromErrno(ENOENT, "copy to " + action.dest()));
    }
  }
  FileCopyOptions options;
  options.owner = owner;
  options.time = TimeOf(action.timestamp());
  if (!action.modestr().empty()) {
    options.mode_change = LOAM_TRY(FileMode::Parse(action.modestr()));
  } else if (action.mode() != -1) {
    options.mode = static_cast<mode_t>(action.mode()) & 07777U;
  }
  options.follow_links = action.followsymlink();
  options.directory_contents = action.dircopycontents();
  options.always_replace = action.alwaysreplaceexistingdestpaths();
  options.include_patterns = Texts(action.include_patterns());
  options.exclude_patterns = Texts(action.exclude_patterns());

  std::vector<std::string> sources = {source_path};
  if (action.allowwildcard()) {
    sources = LOAM_TRY(source.ResolveWildcards(source_path, action.followsymlink()));
    if (sources.empty()) {
      if (action.allowemptywildcard()) {
        return {};
      }
      return Unexpected(ErrorCode::kNotFound, fmt::format("{} not found", source_path));
    }
  }
  for (const std::string& path : sources) {
    if (action.attemptunpackdockercompatibility() &&
        LOAM_TRY(UnpackArchive(source, path, root_fd, dest_path, options, stop))) {
      continue;
    }
    LOAM_TRY(CopyFiles(source, path, root_fd, dest_path, options, stop));
  }
  return {};
}

}  // namespace loam::ops
