#include "runtime-executor/worker/mount_stubs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/pattern_matcher.h"
#include "base/rooted_fs.h"

namespace loam::worker {

namespace {

constexpr int kMaxLinks = 40;

std::string ParentOf(const std::string& path) {
  return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
}

bool IsBelow(const std::string& path, const std::string& parent) {
  return path.size() > parent.size() && path.starts_with(parent) && path[parent.size()] == '/';
}

// Where a mount at `path` really is: final links are followed, also into nothing.
std::string Resolve(int root_fd, std::string path) {
  for (int i = 0; i < kMaxLinks; ++i) {
    auto place = OpenParentInRoot(root_fd, path);
    if (!place || place->name.empty()) {
      return path;
    }
    auto target = ReadLinkAt(place->parent.get(), place->name);
    if (!target) {
      return path;
    }
    path = CleanRootedPath(target->starts_with('/') ? *target : ParentOf(path) + "/" + *target);
  }
  return path;
}

bool Exists(int root_fd, const std::string& path) {
  auto info = LstatInRoot(root_fd, path);
  return info && info->has_value();
}

void RestoreTimes(int directory, const struct stat& info) {
  const timespec times[2] = {info.st_atim, info.st_mtim};
  utimensat(directory, ".", times, 0);  // also for an O_PATH descriptor
}

}  // namespace

MountStubs::MountStubs(int root_fd, std::vector<MountPoint> points, bool recursive) : root_fd_(root_fd) {
  for (MountPoint& point : points) {
    point.path = CleanRootedPath(point.path);
  }
  for (const MountPoint& point : points) {
    const bool below = std::any_of(points.begin(), points.end(),
                                   [&](const MountPoint& other) { return IsBelow(point.path, other.path); });
    if (!below && point.path != "/") {
      Make(point, recursive);
    }
  }
  // Children before parents.
  std::stable_sort(made_.begin(), made_.end(),
                   [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

void MountStubs::Make(const MountPoint& point, bool recursive) {
  const std::string path = Resolve(root_fd_, point.path);
  if (Exists(root_fd_, path)) {
    return;
  }
  std::vector<std::string> missing = {path};
  std::string ancestor = ParentOf(path);
  while (ancestor != "/" && !Exists(root_fd_, ancestor)) {
    missing.push_back(ancestor);
    ancestor = ParentOf(ancestor);
  }
  if (point.temporary) {
    made_.push_back(path);
    if (recursive) {
      made_.insert(made_.end(), missing.begin() + 1, missing.end());
    }
  }
  auto existing = OpenInRoot(root_fd_, ancestor, O_PATH | O_DIRECTORY);
  struct stat before {};
  if (!existing || fstat(existing->get(), &before) != 0) {
    return;
  }
  auto parent = MakeDirsInRoot(root_fd_, ParentOf(path));
  if (parent) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (point.directory) {
      if (mkdirat(parent->get(), name.c_str(), 0755) == 0) {
        fchmodat(parent->get(), name.c_str(), 0755, 0);  // whatever the umask
      }
    } else {
      const UniqueFd file(openat(parent->get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    }
  }
  RestoreTimes(existing->get(), before);
}

void MountStubs::Remove() const {
  for (const std::string& path : made_) {
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
      RestoreTimes(parent, parent_info);
    }
  }
}

}  // namespace loam::worker
