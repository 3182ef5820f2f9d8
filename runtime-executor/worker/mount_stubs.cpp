#include "runtime-executor/worker/mount_stubs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/pattern_matcher.h"
#include "base/rooted_fs.h"

namespace loam::worker {

MountStubs::MountStubs(int root_fd, const std::vector<std::string>& mount_points, bool recursive) : root_fd_(root_fd) {
  for (const std::string& point : mount_points) {
    std::string path = CleanRootedPath(point);
    while (path != "/") {
      const auto info = LstatInRoot(root_fd, path);
      const bool missing = info ? !info->has_value() : info.error().sys_errno() == ENOTDIR || info.error().sys_errno() == ENOENT;
      if (!missing) {
        break;
      }
      missing_.push_back(path);
      if (!recursive) {
        break;
      }
      path = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    }
  }
}

void MountStubs::Remove() const {
  for (const std::string& path : missing_) {
    auto place = OpenParentInRoot(root_fd_, path);
    if (!place || place->name.empty()) {
      continue;
    }
    const int parent = place->parent.get();
    struct stat info {};
    struct stat parent_info {};
    if (fstatat(parent, place->name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || fstat(parent, &parent_info) != 0) {
      continue;
    }
    if (!S_ISDIR(info.st_mode) && info.st_size != 0) {
      continue;
    }
    // A directory that is not empty stays: rmdir refuses.
    if (unlinkat(parent, place->name.c_str(), S_ISDIR(info.st_mode) ? AT_REMOVEDIR : 0) == 0) {
      const timespec times[2] = {parent_info.st_atim, parent_info.st_mtim};
      // The parent may be an O_PATH descriptor.
      utimensat(parent, ".", times, 0);
    }
  }
}

}  // namespace loam::worker
