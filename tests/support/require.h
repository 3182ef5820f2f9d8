// What a test needs of the machine. Without it the test is skipped, saying why; in CI (LOAM_E2E_REQUIRE_ALL=1, as for
// the end-to-end tests) that is a failure.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace loam {

inline bool SkippingIsFailure() {
  const char* const all = std::getenv("LOAM_E2E_REQUIRE_ALL");
  return all != nullptr && std::string_view(all) == "1";
}

}  // namespace loam

// Both end the function they stand in: SetUp or the test itself.
#define LOAM_TEST_SKIP(why)                   \
  do {                                        \
    if (::loam::SkippingIsFailure()) {        \
      FAIL() << "cannot run here: " << (why); \
    }                                         \
    GTEST_SKIP() << (why);                    \
  } while (false)
#define LOAM_TEST_NEEDS(condition, what)            \
  if (!(condition)) {                               \
    LOAM_TEST_SKIP(std::string("needs ") + (what)); \
  }                                                 \
  static_assert(true, "")
