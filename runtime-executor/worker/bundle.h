// Bundle: the directory that an OCI runtime is pointed at, on a tmpfs that is attached in the step's mount namespace
// only. This process fills it through a detached mount, so neither a file nor a mount of it is ever seen on the host.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loam::worker {

class Bundle {
 public:
  static Result<Bundle> Create();

  // The tmpfs as a detached mount.
  [[nodiscard]] int fd() const { return fd_.get(); }
  Result<> WriteFile(const std::string& name, std::string_view content, mode_t mode = 0644, uid_t uid = 0,
                     gid_t gid = 0) const;
  // "" if there is no such file.
  [[nodiscard]] std::string ReadFile(const std::string& name) const;

 private:
  explicit Bundle(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace loam::worker
