#include "runtime-executor/snapshot/overlay.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/rooted_fs.h"
#include "base/strings.h"

namespace loam::snapshot {
namespace {

// The last line the kernel left in the context's log, which says more than the errno.
std::string ContextLog(int context) {
  const int mount_errno = errno;
  std::string text;
  char line[512];
  ssize_t size = 0;
  while ((size = ::read(context, line, sizeof(line))) > 0) {
    text.assign(line, static_cast<std::size_t>(size));
  }
  errno = mount_errno;
  const std::string_view trimmed = TrimSpace(text);
  return trimmed.empty() ? "mount overlayfs" : fmt::format("mount overlayfs ({})", trimmed);
}

Result<UniqueFd> MountByContext(int base_fd, const OverlaySpec& spec) {
  const UniqueFd context(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context.valid()) {
    return UnexpectedErrno("open overlayfs");
  }
  const auto set = [&](const char* key, const std::string& value) -> Result<> {
    if (::fsconfig(context.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) != 0) {
      return UnexpectedErrno(fmt::format("overlayfs option {}", key));
    }
    return {};
  };
  const auto flag = [&](const char* key) -> Result<> {
    if (::fsconfig(context.get(), FSCONFIG_SET_FLAG, key, nullptr, 0) != 0) {
      return UnexpectedErrno(fmt::format("overlayfs option {}", key));
    }
    return {};
  };
  // A descriptor's path is short and free of characters that need escaping, whatever the state root is called.
  const std::string base = fmt::format("/proc/self/fd/{}/", base_fd);
  for (const std::string& lower : spec.lowers) {
    LOAM_TRY(set("lowerdir+", base + lower));
  }
  if (!spec.upper.empty()) {
    LOAM_TRY(set("upperdir", base + spec.upper));
    LOAM_TRY(set("workdir", base + spec.work));
    LOAM_TRY(flag("volatile"));
  }
  LOAM_TRY(set("redirect_dir", "nofollow"));
  LOAM_TRY(set("index", "off"));
  LOAM_TRY(set("metacopy", "off"));
  LOAM_TRY(set("xino", "off"));
  if (spec.userxattr) {
    LOAM_TRY(flag("userxattr"));
  }
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return UnexpectedErrno(ContextLog(context.get()));
  }
  UniqueFd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, spec.upper.empty() ? MOUNT_ATTR_RDONLY : 0));
  if (!mount.valid()) {
    return UnexpectedErrno("fsmount overlayfs");
  }
  return mount;
}

// Runs on a thread of its own, whose mount namespace ends with it; the clone of the mount outlives that.
Result<UniqueFd> MountInOwnNamespace(int base_fd, const OverlaySpec& spec) {
  if (::unshare(CLONE_NEWNS) != 0) {
    return UnexpectedErrno("unshare mount namespace");
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return UnexpectedErrno("make mounts private");
  }
  // By its path: the descriptor leads into the old namespace, whose mounts overlayfs would not take.
  const std::string base = LOAM_TRY(ReadLinkAt(AT_FDCWD, fmt::format("/proc/self/fd/{}", base_fd)));
  if (::chdir(base.c_str()) != 0) {
    return UnexpectedErrno(fmt::format("enter `{}`", base));
  }
  std::string options = "lowerdir=" + Join(spec.lowers, ":");
  if (!spec.upper.empty()) {
    options += fmt::format(",upperdir={},workdir={},volatile", spec.upper, spec.work);
  }
  options += ",redirect_dir=nofollow,index=off,metacopy=off,xino=off";
  if (spec.userxattr) {
    options += ",userxattr";
  }
  if (options.size() >= static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) {
    return Unexpected(ErrorCode::kOutOfRange, "too many layers for one overlayfs mount");
  }
  const unsigned long flags = spec.upper.empty() ? MS_RDONLY : 0;
  // Any directory will do as mount point: no one else sees this namespace.
  const std::string& target = spec.lowers.back();
  if (::mount("overlay", target.c_str(), "overlay", flags, options.c_str()) != 0) {
    return UnexpectedErrno("mount overlayfs");
  }
  UniqueFd clone(::open_tree(AT_FDCWD, target.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!clone.valid()) {
    return UnexpectedErrno("open_tree overlayfs");
  }
  if (::umount2(target.c_str(), MNT_DETACH) != 0) {
    return UnexpectedErrno("unmount overlayfs");
  }
  return clone;
}

}  // namespace

Result<UniqueFd> MountOverlay(int base_fd, const OverlaySpec& spec) {
  if (!spec.legacy) {
    return MountByContext(base_fd, spec);
  }
  Result<UniqueFd> mounted = Unexpected(ErrorCode::kInternal, "mount thread did not run");
  std::thread helper([&] { mounted = MountInOwnNamespace(base_fd, spec); });
  helper.join();
  return mounted;
}

Result<UniqueFd> CloneDirectory(int dir_fd, const std::string& path) {
  UniqueFd clone(::open_tree(dir_fd, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (clone.valid()) {
    return clone;
  }
  return OpenFileAt(dir_fd, path, O_RDONLY | O_DIRECTORY);
}

}  // namespace loam::snapshot
