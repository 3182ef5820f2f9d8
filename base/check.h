// LOAM_CHECK: our own bug. Prints what was expected and where, and aborts; on in all builds.
#pragma once

namespace loam::internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, const char* message);
}  // namespace loam::internal

#define LOAM_CHECK(condition, message)                                        \
  do {                                                                        \
    if (!(condition)) [[unlikely]] {                                          \
      ::loam::internal::CheckFailed(__FILE__, __LINE__, #condition, message); \
    }                                                                         \
  } while (false)

#define LOAM_UNREACHABLE(message) ::loam::internal::CheckFailed(__FILE__, __LINE__, "unreachable", message)
