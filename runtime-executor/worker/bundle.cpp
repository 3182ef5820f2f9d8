#include "runtime-executor/worker/bundle.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file_system.h"

namespace loam::worker {

Result<Bundle> Bundle::Create() {
  const UniqueFd context(static_cast<int>(syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  if (!context.valid()) {
    return UnexpectedErrno("open a tmpfs");
  }
  if (syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "mode", "0700", 0) != 0 ||
      syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return UnexpectedErrno("make a tmpfs");
  }
  UniqueFd mount(
      static_cast<int>(syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)));
  if (!mount.valid()) {
    return UnexpectedErrno("mount a tmpfs");
  }
  return Bundle(std::move(mount));
}

Result<> Bundle::WriteFile(const std::string& name, std::string_view content, mode_t mode, uid_t uid, gid_t gid) const {
  const UniqueFd file(openat(fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) {
    return UnexpectedErrno("create " + name);
  }
  LOAM_TRY(WriteAll(file.get(), content, name));
  if (fchown(file.get(), uid, gid) != 0 || fchmod(file.get(), mode) != 0) {
    return UnexpectedErrno("set owner and mode of " + name);
  }
  return {};
}

std::string Bundle::ReadFile(const std::string& name) const {
  const UniqueFd file(openat(fd_.get(), name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    return {};
  }
  auto text = ReadAll(file.get(), name);
  return text ? *std::move(text) : std::string();
}

}  // namespace loam::worker
