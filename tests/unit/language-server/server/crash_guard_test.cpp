#include "language-server/server/crash_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <stdexcept>

#include "base/check.h"

namespace loam::lsp {
namespace {

using ::testing::HasSubstr;

TEST(CrashGuard, WorkThatReturnsIsNoFailure) {
  CrashGuard guard;
  bool ran = false;
  EXPECT_EQ(guard.Run([&] { ran = true; }), std::nullopt);
  EXPECT_TRUE(ran);
}

TEST(CrashGuard, AnExceptionIsAFailure) {
  CrashGuard guard;
  EXPECT_THAT(guard.Run([] { throw std::runtime_error("why"); }).value_or(""), HasSubstr("why"));
  EXPECT_THAT(guard.Run([] { throw 1; }).value_or(""), HasSubstr("unknown"));
}

TEST(CrashGuard, ChecksThatFailAreFailuresAgainAndAgain) {
  CrashGuard guard;
  for (int i = 0; i < 3; ++i) {
    const int left = i;
    EXPECT_THAT(guard.Run([&] { LOAM_CHECK(left < 0, "on purpose"); }).value_or(""), HasSubstr("on purpose"));
  }
}

TEST(CrashGuard, AFailedCheckLeavesNothingBehind) {
  CrashGuard guard;
  const auto kept = std::make_shared<int>();
  EXPECT_TRUE(guard.Run([&] {
    const auto copy = kept;  // NOLINT(performance-unnecessary-copy-initialization): it must go with its frame
    LOAM_CHECK(copy == nullptr, "on purpose");
  }));
  EXPECT_EQ(kept.use_count(), 1);
}

// Sanitizers have their own handlers of these.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(CrashGuard, BadAccessesAreFailures) {
  CrashGuard guard;
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(guard.Run([] { ::raise(SIGSEGV); }).value_or(""), HasSubstr("signal 11"));
  }
}

TEST(CrashGuard, ARestartThatReturnsChangesNothing) {
  static volatile int asked = 0;
  CrashGuard guard([](int signal) { asked = signal; });
  EXPECT_THAT(guard.Run([] { ::raise(SIGBUS); }).value_or(""), HasSubstr("signal 7"));
  EXPECT_EQ(asked, SIGBUS);
}

int Deep(int depth) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  return depth == 0 ? 0 : Deep(depth - 1) + frame[0];
}

TEST(CrashGuard, AStackThatOverflowsIsAFailure) {
  CrashGuard guard;
  for (int i = 0; i < 2; ++i) {
    volatile int depth = 100'000'000;
    volatile int sum = 0;
    EXPECT_THAT(guard.Run([&] { sum = Deep(depth); }).value_or(""), HasSubstr("signal 11"));
  }
}

TEST(CrashGuardDeathTest, OutsideOfWorkTheProcessEnds) {
  EXPECT_DEATH(
      {
        CrashGuard guard;
        LOAM_CHECK(guard.Run([] {}).has_value(), "outside");
      },
      "outside");
}
#endif

}  // namespace
}  // namespace loam::lsp
