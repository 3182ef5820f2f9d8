#include "runtime-executor/source/git/git_mirrors.h"

#include <sys/stat.h>

#include "base/file_system.h"
#include "runtime-executor/source/git/git_mirror.h"

namespace loam::source {

Result<std::vector<GitMirrorInfo>> ListGitMirrors(const std::string& mirrors_dir) {
  std::vector<GitMirrorInfo> mirrors;
  const auto names = ListDir(mirrors_dir);
  if (!names) {
    return names.error().Is(ErrorCode::kNotFound) ? Result<std::vector<GitMirrorInfo>>(mirrors)
                                                  : tl::unexpected(names.error());
  }
  for (const std::string& name : *names) {
    const std::string path = mirrors_dir + "/" + name;
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
      continue;
    }
    GitMirrorInfo mirror;
    mirror.path = path;
    // One without the mark was never finished.
    const std::string mark = path + "/" + GitMirror::kMark;
    mirror.remote = LOAM_TRY(ReadFileIfExists(mark)).value_or("");
    if (::stat(mark.c_str(), &info) == 0) {
      mirror.last_used = WallTime(std::chrono::seconds(info.st_mtim.tv_sec));
    }
    mirrors.push_back(std::move(mirror));
  }
  return mirrors;
}

Result<> RemoveGitMirror(const GitMirrorInfo& mirror) {
  LOAM_TRY(RemoveTree(mirror.path));
  return RemoveTree(mirror.path + ".lock");
}

}  // namespace loam::source
