// A mount table of the test's own: what other programs mount and unmount meanwhile is not seen, so that leaks can be
// found by comparing it before and after.
#pragma once

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace loam {

// For the calling thread and those it starts from then on; needs root. Empty, or what failed.
[[nodiscard]] inline std::string UnshareMounts() {
  if (unshare(CLONE_NEWNS) != 0) {
    return std::string("unshare: ") + std::strerror(errno);
  }
  if (mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return std::string("make the mounts private: ") + std::strerror(errno);
  }
  return {};
}

}  // namespace loam
