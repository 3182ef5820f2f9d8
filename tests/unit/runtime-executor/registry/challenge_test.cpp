#include "runtime-executor/registry/challenge.h"

#include <gtest/gtest.h>

namespace loam::registry {
namespace {

TEST(ChallengeTest, ReadsBearer) {
  const auto challenges = ParseChallenges(
      R"(Bearer realm="https://auth.example/token",service="reg, istry",scope="repository:a/b:pull,push",x=\"y)");
  ASSERT_EQ(challenges.size(), 1U);
  EXPECT_EQ(challenges[0].scheme, "bearer");
  EXPECT_EQ(challenges[0].Parameter("realm"), "https://auth.example/token");
  EXPECT_EQ(challenges[0].Parameter("service"), "reg, istry");
  EXPECT_EQ(challenges[0].Parameter("scope"), "repository:a/b:pull,push");
  EXPECT_EQ(challenges[0].Parameter("none"), "");
}

TEST(ChallengeTest, ReadsSeveral) {
  const auto challenges =
      ParseChallenges(R"(Negotiate, BASIC Realm = "a\"b" , charset=UTF-8, Bearer realm=https://x/y)");
  ASSERT_EQ(challenges.size(), 3U);
  EXPECT_EQ(challenges[0].scheme, "negotiate");
  EXPECT_EQ(challenges[1].scheme, "basic");
  EXPECT_EQ(challenges[1].Parameter("realm"), "a\"b");
  EXPECT_EQ(challenges[1].Parameter("charset"), "UTF-8");
  EXPECT_EQ(challenges[2].Parameter("realm"), "https://x/y");
}

TEST(ChallengeTest, SurvivesNonsense) {
  EXPECT_TRUE(ParseChallenges("").empty());
  EXPECT_TRUE(ParseChallenges(" ,,, ").empty());
  EXPECT_TRUE(ParseChallenges("=x").size() <= 1);
  EXPECT_EQ(ParseChallenges("Bearer realm=\"never closed")[0].Parameter("realm"), "");
  ParseChallenges("\"\"\"\\");
  ParseChallenges("a=b c d=\"");
}

}  // namespace
}  // namespace loam::registry
