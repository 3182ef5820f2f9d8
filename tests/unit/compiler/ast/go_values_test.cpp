#include "compiler/ast/dockerfile/go_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::ast {
namespace {

TEST(ParseDuration, ReadsWhatGoReads) {
  const std::vector<std::pair<std::string_view, std::int64_t>> cases = {
      {"0", 0},
      {"+0", 0},
      {"5s", 5'000'000'000},
      {"1h15m30.918s", 4'530'918'000'000},
      {"-1.5h", -5'400'000'000'000},
      {".5s", 500'000'000},
      {"1.s", 1'000'000'000},
      {"1us", 1'000},
      {"1\u00b5s", 1'000},
      {"1\u03bcs", 1'000},
      {"9223372036854775807ns", 9'223'372'036'854'775'807},
      {"0.3333333333333333333h", 1'200'000'000'000},
      {"-9223372036854775808ns", std::numeric_limits<std::int64_t>::min()}};
  for (const auto& [text, nanoseconds] : cases) {
    EXPECT_EQ(ParseDuration(text), nanoseconds) << text;
  }
}

TEST(ParseDuration, RefusesTheRest) {
  for (const std::string_view text :
       {"", "3", "-", "s", ".", "-.", ".s", "+.s", "1d", "1 s", "9223372036854775808ns", "3000000h", "1s1", "--1s"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(ParseInt32, HasTheRangeOfInt32) {
  EXPECT_EQ(ParseInt32("2147483647"), 2147483647);
  EXPECT_EQ(ParseInt32("-2147483648"), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(ParseInt32("+007"), 7);
  for (const std::string_view text :
       {"", "-", "2147483648", "-2147483649", "1_0", "0x1", " 1", "99999999999999999999"}) {
    EXPECT_FALSE(ParseInt32(text)) << text;
  }
}

TEST(ParseBool, KnowsTheSixSpellings) {
  EXPECT_EQ(ParseBool("T"), true);
  EXPECT_EQ(ParseBool("False"), false);
  EXPECT_FALSE(ParseBool("yes"));
  EXPECT_FALSE(ParseBool(""));
}

TEST(SplitCsv, QuotesHoldCommas) {
  std::string_view error;
  const auto parts = SplitCsv(R"(a=1,"b=x,y","c=""q""",)", &error);
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 4U);
  EXPECT_EQ((*parts)[0].raw, "a=1");
  EXPECT_EQ((*parts)[1].value, "b=x,y");
  EXPECT_EQ((*parts)[2].value, "c=\"q\"");
  EXPECT_EQ((*parts)[3].raw, "");
}

TEST(SplitCsv, MalformedRecords) {
  std::string_view error;
  for (const std::string_view text : {"", "\"a", "\"a\"b", "a\"b", "a,\"", "\"\"\""}) {
    error = "";
    EXPECT_FALSE(SplitCsv(text, &error)) << text;
    EXPECT_NE(error, "") << text;
  }
}

}  // namespace
}  // namespace loam::ast
