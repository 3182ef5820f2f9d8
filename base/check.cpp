#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace loam::internal {

void CheckFailed(const char* file, int line, const char* condition, const char* message) {
  std::fprintf(stderr,
               "loam: internal error at %s:%d: %s (%s)\nThis is a bug in loam; please report it with this line.\n",
               file, line, message, condition);
  std::abort();
}

}  // namespace loam::internal
