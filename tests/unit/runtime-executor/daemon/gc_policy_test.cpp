#include "runtime-executor/daemon/gc_policy.h"

#include <gtest/gtest.h>

namespace loam::daemon {
namespace {

using namespace std::chrono_literals;

TEST(GcPolicyTest, DiskSpaces) {
  EXPECT_EQ(ParseDiskSpace("123").value(), (DiskSpace{123, 0}));
  EXPECT_EQ(ParseDiskSpace("40MB").value(), (DiskSpace{40 << 20, 0}));
  EXPECT_EQ(ParseDiskSpace("10 GiB").value(), (DiskSpace{std::int64_t{10} << 30, 0}));
  EXPECT_EQ(ParseDiskSpace("1.5k").value(), (DiskSpace{1536, 0}));
  EXPECT_EQ(ParseDiskSpace("20%").value(), (DiskSpace{0, 20}));
  EXPECT_EQ(ParseDiskSpace("").value(), DiskSpace());
  for (const char* text : {"x", "10XB", "%", "-1", "1 2"}) {
    EXPECT_FALSE(ParseDiskSpace(text)) << text;
  }
  // A percentage is rounded up to gigabytes.
  EXPECT_EQ((DiskSpace{0, 10}.Bytes(1'000'000'000'000)), 94'000'000'000);
  EXPECT_EQ((DiskSpace{0, 10}.Bytes(0)), 2'000'000'000);
}

TEST(GcPolicyTest, Durations) {
  EXPECT_EQ(ParseDuration("48h").value(), 48h);
  EXPECT_EQ(ParseDuration("1h30m").value(), 90min);
  EXPECT_EQ(ParseDuration("1.5s").value(), 1500ms);
  EXPECT_EQ(ParseDuration("7200").value(), 2h);
  EXPECT_EQ(ParseDuration("").value(), 0ns);
  for (const char* text : {"h", "5x", "1h2", "one"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(GcPolicyTest, KeepStorage) {
  GcSettings settings;
  ASSERT_TRUE(ParseKeepStorage("100,20,300", settings));
  EXPECT_EQ(settings.reserved.bytes, 100'000'000);
  EXPECT_EQ(settings.min_free.bytes, 20'000'000);
  EXPECT_EQ(settings.max_used.bytes, 300'000'000);
  EXPECT_FALSE(ParseKeepStorage("1,2,3,4", settings));
  EXPECT_FALSE(ParseKeepStorage("much", settings));
}

TEST(GcPolicyTest, DefaultRules) {
  const auto rules = ResolveGcPolicy({}, 1'000'000'000'000);
  ASSERT_EQ(rules.size(), 4U);
  EXPECT_EQ(rules[0].filters.size(), 3U);
  EXPECT_EQ(rules[0].max_used, 512'000'000);
  EXPECT_EQ(rules[1].keep_duration, 24h * 60);
  EXPECT_EQ(rules[2].reserved, 10'000'000'000);
  EXPECT_EQ(rules[2].max_used, 100'000'000'000);
  EXPECT_FALSE(rules[2].all);
  EXPECT_TRUE(rules[3].all);
}

TEST(GcPolicyTest, SettingsTakeTheirPlace) {
  GcSettings settings;
  settings.max_used = {5'000, 0};
  auto rules = ResolveGcPolicy(settings, 1'000'000'000'000);
  EXPECT_EQ(rules[2].max_used, 5'000);
  EXPECT_EQ(rules[2].reserved, 0);
  settings.policy.push_back({.all = true, .filters = {"id==x"}, .keep_duration = 1h});
  rules = ResolveGcPolicy(settings, 0);
  ASSERT_EQ(rules.size(), 1U);
  EXPECT_TRUE(rules[0].all);
  settings.enabled = false;
  EXPECT_TRUE(ResolveGcPolicy(settings, 0).empty());
}

}  // namespace
}  // namespace loam::daemon
