#include "runtime-executor/worker/user_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

UserDatabase Database() {
  return {
      "root:x:0:0:root:/root:/bin/sh\n"
      "# comment\n"
      "daemon:x:1:1::/:/bin/false\n"
      "app:x:1000:1001:App:/home/app:/bin/sh\n"
      "broken\n",
      "root:x:0:\n"
      "wheel:x:10:root,app\n"
      "app:x:1001:\n"
      "docker:x:20:app\n"
      "mail:x:12:daemon\n"};
}

UserIds Ids(std::string_view user, const UserDatabase& database = Database()) {
  auto ids = LookUpUser(user, database);
  EXPECT_TRUE(ids) << ids.error().message();
  return ids.value_or(UserIds{99, 99, {}});
}

TEST(LookUpUser, NameGivesGroupAndSupplementaryGroups) {
  const UserIds ids = Ids("app");
  EXPECT_EQ(ids.uid, 1000U);
  EXPECT_EQ(ids.gid, 1001U);
  EXPECT_THAT(ids.groups, ElementsAre(1001, 10, 20));
}

TEST(LookUpUser, NumberOfAnEntryIsThatEntry) {
  const UserIds ids = Ids("1000");
  EXPECT_EQ(ids.gid, 1001U);
  EXPECT_THAT(ids.groups, ElementsAre(1001, 10, 20));
}

TEST(LookUpUser, NumberWithoutEntryHasGroupZero) {
  const UserIds ids = Ids("4321");
  EXPECT_EQ(ids.uid, 4321U);
  EXPECT_EQ(ids.gid, 0U);
  EXPECT_THAT(ids.groups, ElementsAre(0));
}

TEST(LookUpUser, NamedGroupReplacesAllGroups) {
  EXPECT_THAT(Ids("app:mail").groups, ElementsAre(12));
  EXPECT_THAT(Ids("app:77").groups, ElementsAre(77));
  EXPECT_EQ(Ids("app:mail").uid, 1000U);
}

TEST(LookUpUser, EmptyIsRootWithItsGroups) {
  EXPECT_THAT(Ids("").groups, ElementsAre(0, 10));
  EXPECT_THAT(Ids("", {}).groups, ElementsAre(0));
}

TEST(LookUpUser, NumericPairNeedsNoFile) {
  const UserIds ids = Ids("5:6", {});
  EXPECT_EQ(ids.uid, 5U);
  EXPECT_THAT(ids.groups, ElementsAre(6));
  EXPECT_EQ(Ids("root:root", {}).gid, 0U);
  EXPECT_TRUE(IsNumericUser("5:6"));
  EXPECT_FALSE(IsNumericUser("5"));
  EXPECT_FALSE(IsNumericUser("app:6"));
}

TEST(LookUpUser, UnknownNamesAreErrors) {
  auto user = LookUpUser("nobody-here", Database());
  ASSERT_FALSE(user);
  EXPECT_TRUE(user.error().Is(ErrorCode::kNotFound));
  EXPECT_THAT(user.error().message(), HasSubstr("unable to find user nobody-here"));
  auto group = LookUpUser("app:nogroup-here", Database());
  ASSERT_FALSE(group);
  EXPECT_THAT(group.error().message(), HasSubstr("unable to find group nogroup-here"));
  EXPECT_FALSE(LookUpUser("app", {}));
}

TEST(LookUpUser, IdsAboveTheLimitAreErrors) {
  auto ids = LookUpUser("2147483648", Database());
  ASSERT_FALSE(ids);
  EXPECT_TRUE(ids.error().Is(ErrorCode::kOutOfRange));
  EXPECT_TRUE(LookUpUser("2147483647", Database()));
  EXPECT_FALSE(LookUpUser("-1", Database()));
}

TEST(LookUpUser, ByNameOnlyForChown) {
  EXPECT_EQ(LookUpUserId("app", Database()).value(), 1000U);
  EXPECT_EQ(LookUpGroupId("docker", Database()).value(), 20U);
  EXPECT_FALSE(LookUpUserId("1000", Database()));
  EXPECT_FALSE(LookUpGroupId("nope", Database()));
}

}  // namespace
}  // namespace loam::worker
