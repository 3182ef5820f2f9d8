#include "base/platform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam {
namespace {

Platform Parse(std::string_view text) {
  const auto platform = ParsePlatform(text);
  EXPECT_TRUE(platform) << text;
  return platform.value_or(Platform{});
}

TEST(PlatformTest, ReadsSpecifiers) {
  EXPECT_EQ(Parse("linux/amd64"), (Platform{"linux", "amd64", "", "", {}}));
  EXPECT_EQ(Parse("linux/arm/v6"), (Platform{"linux", "arm", "v6", "", {}}));
  EXPECT_EQ(Parse("linux/arm/v7"), (Platform{"linux", "arm", "v7", "", {}}));
  EXPECT_EQ(Parse("linux/arm"), (Platform{"linux", "arm", "", "", {}}));
  EXPECT_EQ(Parse("armhf"), (Platform{"linux", "arm", "", "", {}}));
  EXPECT_EQ(Parse("armel"), (Platform{"linux", "arm", "v6", "", {}}));
  EXPECT_EQ(Parse("linux/arm64/v8"), (Platform{"linux", "arm64", "v8", "", {}}));
  EXPECT_EQ(Parse("Linux/x86_64"), (Platform{"linux", "amd64", "", "", {}}));
  EXPECT_EQ(Parse("macos/aarch64"), (Platform{"darwin", "arm64", "", "", {}}));
  EXPECT_EQ(Parse("riscv64"), (Platform{"linux", "riscv64", "", "", {}}));
  EXPECT_EQ(Parse("linux").architecture, HostPlatform().architecture);
  EXPECT_EQ(Parse("windows(10.0.17763+b+a%2Bc)/amd64"), (Platform{"windows", "amd64", "", "10.0.17763", {"b", "a+c"}}));
  EXPECT_EQ(Parse("plan/weird"), (Platform{"plan", "weird", "", "", {}}));
}

TEST(PlatformTest, RefusesWhatIsNoSpecifier) {
  for (const char* text : {"", "/", "linux/", "linux//v7", "*", "linux/*", "a/b/c/d", "nosuch", "linux(1/amd64",
                           "linux(1+)/amd64", "linux/amd 64", "windows(%zz)/amd64", "windows(%2)/amd64", "(1)/amd64"}) {
    const auto platform = ParsePlatform(text);
    ASSERT_FALSE(platform) << text;
    EXPECT_TRUE(platform.error().Is(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(PlatformTest, PrintsWhatItReads) {
  for (const char* text : {"linux/amd64", "linux/arm/v6", "linux/arm64/v8", "windows(10.0.17763)/amd64",
                           "windows(10.0.17763+a+b)/amd64", "linux(+erofs)/amd64", "windows(1%2B0)/amd64"}) {
    EXPECT_EQ(FormatPlatformAll(Parse(text)), text);
  }
  EXPECT_EQ(Platform{}.ToString(), "unknown");
}

TEST(PlatformTest, NormalFormIsOneSpelling) {
  EXPECT_EQ(NormalizePlatform({"linux", "arm", "", "", {}}).ToString(), "linux/arm/v7");
  EXPECT_EQ(NormalizePlatform({"linux", "arm", "8", "", {}}).ToString(), "linux/arm/v8");
  EXPECT_EQ(NormalizePlatform({"", "aarch64", "v8", "", {}}).ToString(), "linux/arm64");
  EXPECT_EQ(NormalizePlatform({"linux", "arm64", "v9.0", "", {}}).ToString(), "linux/arm64/v9");
  EXPECT_EQ(NormalizePlatform({"linux", "amd64", "v1", "", {}}).ToString(), "linux/amd64");
  EXPECT_EQ(NormalizePlatform({"linux", "i386", "x", "", {}}).ToString(), "linux/386");
  EXPECT_THAT(NormalizePlatform({"linux", "amd64", "", "", {"b", "a", "b"}}).os_features,
              testing::ElementsAre("a", "b"));
}

// What `wanted` accepts of `offered`, best first.
std::vector<std::string> Accepted(std::string_view wanted, std::vector<std::string> offered) {
  const PlatformMatcher matcher(Parse(wanted));
  std::vector<Platform> platforms;
  for (const std::string& text : offered) {
    if (matcher.Matches(Parse(text))) {
      platforms.push_back(Parse(text));
    }
  }
  std::stable_sort(platforms.begin(), platforms.end(),
                   [&](const Platform& a, const Platform& b) { return matcher.Less(a, b); });
  std::vector<std::string> names;
  for (const Platform& platform : platforms) {
    names.push_back(FormatPlatformAll(platform));
  }
  return names;
}

TEST(PlatformMatcherTest, FallsBackToOlderVariants) {
  using testing::ElementsAre;
  EXPECT_THAT(Accepted("linux/arm64", {"linux/arm/v6", "linux/amd64", "linux/arm/v7", "linux/arm64", "linux/arm64/v9"}),
              ElementsAre("linux/arm64", "linux/arm/v7", "linux/arm/v6"));
  EXPECT_THAT(Accepted("linux/arm/v7", {"linux/arm/v8", "linux/arm/v5", "linux/arm/v6"}),
              ElementsAre("linux/arm/v6", "linux/arm/v5"));
  EXPECT_THAT(Accepted("linux/amd64/v3", {"linux/386", "linux/amd64", "linux/amd64/v4", "linux/amd64/v2"}),
              ElementsAre("linux/amd64/v2", "linux/amd64", "linux/386"));
  EXPECT_THAT(Accepted("linux/amd64", {"linux/amd64/v2", "windows/amd64", "linux/s390x"}), ElementsAre());
  EXPECT_THAT(Accepted("linux/arm64/v9.1", {"linux/arm64/v8.6", "linux/arm64/v8.7", "linux/arm64/v9", "linux/arm/v8"}),
              ElementsAre("linux/arm64/v9", "linux/arm64/v8.6", "linux/arm/v8"));
  EXPECT_THAT(Accepted("linux/arm64/v77", {"linux/arm64", "linux/arm64/v77"}), ElementsAre("linux/arm64/v77"));
}

TEST(PlatformMatcherTest, ComparesFeaturesAndWindowsBuilds) {
  using testing::ElementsAre;
  EXPECT_THAT(Accepted("linux(+a+b)/amd64", {"linux/amd64", "linux(+a)/amd64", "linux(+c)/amd64", "linux(+a+b)/amd64"}),
              ElementsAre("linux(+a+b)/amd64", "linux(+a)/amd64", "linux/amd64"));
  EXPECT_THAT(Accepted("windows(10.0.17763.1)/amd64", {"windows(10.0.17763.999)/amd64", "windows(10.0.20348.1)/amd64"}),
              ElementsAre("windows(10.0.17763.999)/amd64"));
}

}  // namespace
}  // namespace loam
