#include "runtime-executor/worker/supervisor_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

asm(".pushsection .rodata\n"
    ".balign 16\n"
    "loam_supervisor_begin:\n"
    ".incbin \"" LOAM_SUPERVISOR
    "\"\n"
    "loam_supervisor_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const char loam_supervisor_begin[] __attribute__((visibility("hidden")));
extern const char loam_supervisor_end[] __attribute__((visibility("hidden")));
}

namespace loam::worker {

std::string_view SupervisorImage() {
  return {loam_supervisor_begin, static_cast<std::size_t>(loam_supervisor_end - loam_supervisor_begin)};
}

Result<UniqueFd> OpenSupervisor() {
  int file = memfd_create("loam-supervisor", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (file < 0 && errno == EINVAL) {  // a kernel before 6.3 does not know MFD_EXEC
    file = memfd_create("loam-supervisor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  }
  if (file < 0) {
    return UnexpectedErrno("create the supervisor's file");
  }
  UniqueFd fd(file);
  std::string_view image = SupervisorImage();
  while (!image.empty()) {
    const ssize_t written = write(fd.get(), image.data(), image.size());
    if (written < 0) {
      return UnexpectedErrno("write the supervisor");
    }
    image.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return UnexpectedErrno("seal the supervisor");
  }
  return fd;
}

}  // namespace loam::worker
