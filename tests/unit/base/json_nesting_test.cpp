#include "base/json_nesting.h"

#include <gtest/gtest.h>

#include <string>

namespace loam {
namespace {

TEST(JsonNesting, CountsLevelsOutsideOfStrings) {
  EXPECT_FALSE(JsonNestsDeeperThan("", 0));
  EXPECT_FALSE(JsonNestsDeeperThan("7", 0));
  EXPECT_TRUE(JsonNestsDeeperThan("[]", 0));
  EXPECT_FALSE(JsonNestsDeeperThan(R"({"a":[1],"b":[2],"c":{}})", 2));
  EXPECT_TRUE(JsonNestsDeeperThan(R"({"a":[[1]]})", 2));
  EXPECT_FALSE(JsonNestsDeeperThan(R"({"a":"[[[[","b\"[[[":"\\"})", 1));
  EXPECT_TRUE(JsonNestsDeeperThan(std::string(5000000, '['), 1000));
}

}  // namespace
}  // namespace loam
