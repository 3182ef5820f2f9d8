#include "runtime-executor/gateway/bridge/frontend_result.h"

#include <gmock/gmock.h>

namespace loam::gateway {
namespace {

// Where a context of the client replaces a stage, the image config knows its system but not its processor.
TEST(FrontendResultTest, HalfAPlatformInAConfigIsAnErrorOnlyWhereNothingElseNamesIt) {
  FrontendResult result;
  result.refs.emplace_back("", snapshot::FsRef());
  result.metadata[std::string(kImageConfigKey)] = R"({"architecture":"","os":"linux"})";
  const auto unnamed = PlatformResultsOf(result);
  ASSERT_FALSE(unnamed);
  EXPECT_THAT(unnamed.error().message(), testing::HasSubstr("os and architecture must be specified together"));

  result.metadata[std::string(kPlatformsKey)] =
      R"({"Platforms":[{"ID":"linux/arm64","Platform":{"architecture":"arm64","os":"linux"}}]})";
  const auto named = PlatformResultsOf(result);
  ASSERT_TRUE(named) << named.error().message();
  ASSERT_EQ(named->size(), 1U);
  EXPECT_EQ(named->front().platform, "linux/arm64");
}

}  // namespace
}  // namespace loam::gateway
