#include "base/rfc3339.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(Rfc3339Test, ReadsWhatIsPrinted) {
  for (const std::int64_t nanos : {0LL, 1'000'000'000LL, 1'767'323'045'600'000'000LL, 1'767'323'045'000'000'001LL}) {
    const WallTime time{std::chrono::nanoseconds(nanos)};
    const auto read = ParseRfc3339(FormatRfc3339(time));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->ToWallTime(), time);
  }
}

TEST(Rfc3339Test, Offsets) {
  EXPECT_EQ(ParseRfc3339("1970-01-01T02:00:00+02:00")->seconds, 0);
  EXPECT_EQ(ParseRfc3339("1969-12-31T23:00:00-01:00")->seconds, 0);
  EXPECT_EQ(ParseRfc3339("0001-01-01T00:00:00Z")->seconds, -62135596800);
}

TEST(Rfc3339Test, RefusesOtherTexts) {
  for (const char* text :
       {"", "1970", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "1970-02-30T00:00:00Z",
        "1970-01-01T24:00:00Z", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00Zx"}) {
    EXPECT_FALSE(ParseRfc3339(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace loam
