#include "runtime-executor/gateway/bridge/verify_platforms.h"

#include <gmock/gmock.h>

#include "base/platform.h"

namespace loam::gateway {
namespace {

using testing::ElementsAre;

std::vector<std::string> Warnings(const std::string* requested, const std::vector<std::string>& made, bool is_map) {
  FrontendResult result;
  result.is_map = is_map;
  std::vector<engine::PlatformResult> platforms;
  for (const std::string& name : made) {
    platforms.emplace_back().platform = name;
  }
  auto warnings = PlatformWarnings(requested, result, platforms);
  EXPECT_TRUE(warnings) << warnings.error().message();
  return warnings ? *std::move(warnings) : std::vector<std::string>();
}

TEST(VerifyPlatformsTest, WhatWasAskedForMustBeThere) {
  const std::string both = "linux/amd64,linux/arm64";
  EXPECT_THAT(Warnings(&both, {"linux/amd64", "linux/arm64"}, true), ElementsAre());
  EXPECT_THAT(Warnings(&both, {"linux/amd64"}, false),
              ElementsAre("Multiple platforms requested but result is not multi-platform"));
  EXPECT_THAT(Warnings(&both, {"linux/amd64", "linux/arm/v7"}, true),
              ElementsAre("Requested platforms linux/amd64,linux/arm64 do not match result platforms "
                          "linux/amd64,linux/arm/v7"));
  const std::string one = "linux/arm64";
  EXPECT_THAT(Warnings(&one, {"linux/arm64/v8"}, false), ElementsAre()) << "the same by another name";
  EXPECT_THAT(Warnings(&one, {"linux/amd64"}, false),
              ElementsAre("Requested platform \"linux/arm64\" does not match result platform \"linux/amd64\""));
}

TEST(VerifyPlatformsTest, TheHostsPlatformIsMeantIfNoneIsNamed) {
  EXPECT_THAT(Warnings(nullptr, {FormatPlatformAll(HostPlatform())}, false), ElementsAre());
  EXPECT_THAT(Warnings(nullptr, {"linux/riscv64"}, false), testing::SizeIs(1));
}

TEST(VerifyPlatformsTest, RequestsThatCannotBe) {
  const std::string twice = "linux/amd64,amd64";
  EXPECT_THAT(Warnings(&twice, {"linux/amd64"}, false), ElementsAre("Duplicate platform result requested \"amd64\""));
  const std::string wrong = "a/b/c/d/e";
  EXPECT_THAT(Warnings(&wrong, {"linux/amd64"}, false),
              ElementsAre(testing::HasSubstr("Invalid platform result requested \"a/b/c/d/e\"")));
}

}  // namespace
}  // namespace loam::gateway
