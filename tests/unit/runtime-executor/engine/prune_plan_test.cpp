#include "runtime-executor/engine/prune_plan.h"

#include <gmock/gmock.h>

namespace loam::engine {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

const WallTime kNow = WallTime(1'000'000s);

CacheUnit Unit(std::string id, std::int64_t size, std::chrono::seconds age, std::vector<std::string> parents = {}) {
  CacheUnit unit;
  unit.id = std::move(id);
  unit.type = "regular";
  unit.size = size;
  unit.created = kNow - age;
  unit.last_used = kNow - age;
  unit.parents = std::move(parents);
  return unit;
}

std::vector<std::string> Plan(const std::vector<CacheUnit>& units, std::vector<PruneRule> rules,
                              std::int64_t disk_free = 1'000) {
  return PlanPrune(units, rules, kNow, disk_free);
}

TEST(PrunePlanTest, WithoutLimitsEverythingGoesUsersFirst) {
  const std::vector<CacheUnit> units{Unit("base", 1, 9s), Unit("top", 1, 1s, {"middle"}),
                                     Unit("middle", 1, 5s, {"base"})};
  EXPECT_THAT(Plan(units, {PruneRule()}), ElementsAre("top", "middle", "base"));
}

TEST(PrunePlanTest, WhatIsInUseStaysWithWhatItStandsOn) {
  std::vector<CacheUnit> units{Unit("base", 1, 9s), Unit("used", 1, 5s, {"base"}), Unit("other", 1, 5s, {"base"})};
  units[1].in_use = true;
  EXPECT_THAT(Plan(units, {PruneRule()}), ElementsAre("other"));
}

TEST(PrunePlanTest, LayersThatAreStackedBothWaysGo) {
  const std::vector<CacheUnit> units{Unit("base", 1, 9s, {"base"}), Unit("a", 1, 9s, {"base", "c"}),
                                     Unit("b", 1, 9s, {"a"}), Unit("c", 1, 9s, {"b"}), Unit("top", 1, 1s, {"c"})};
  EXPECT_THAT(Plan(units, {PruneRule()}), UnorderedElementsAre("top", "a", "b", "c", "base"));
}

TEST(PrunePlanTest, AgeAndTypeAndFilter) {
  std::vector<CacheUnit> units{Unit("old", 1, 100s), Unit("new", 1, 1s), Unit("internal", 1, 100s),
                               Unit("shared", 1, 100s)};
  units[2].type = "internal";
  units[3].shared = true;
  PruneRule rule;
  rule.keep_duration = 50s;
  EXPECT_THAT(Plan(units, {rule}), ElementsAre("old"));
  rule.all = true;
  EXPECT_THAT(Plan(units, {rule}), UnorderedElementsAre("old", "internal", "shared"));
  rule.matches = [](const CacheUnit& unit) { return unit.type == "internal"; };
  EXPECT_THAT(Plan(units, {rule}), ElementsAre("internal"));
}

TEST(PrunePlanTest, LimitsRemoveTheLeastUseful) {
  std::vector<CacheUnit> units{Unit("a", 100, 30s), Unit("b", 100, 20s), Unit("c", 100, 10s)};
  PruneRule rule;
  rule.max_used = 250;
  EXPECT_THAT(Plan(units, {rule}), ElementsAre("a"));
  units[0].usage_count = 60;  // old, but most often used
  units[1].usage_count = 1;
  units[2].usage_count = 50;
  EXPECT_THAT(Plan(units, {rule}), ElementsAre("b"));
  rule.max_used = 1'000;
  EXPECT_THAT(Plan(units, {rule}), ElementsAre());
}

TEST(PrunePlanTest, BytesToKeep) {
  PruneRule rule;
  EXPECT_EQ(BytesToKeep(rule, 500, 0), 0);
  rule.max_used = 100;
  EXPECT_EQ(BytesToKeep(rule, 500, 0), 100);
  rule.reserved = 300;
  EXPECT_EQ(BytesToKeep(rule, 500, 0), 300);
  rule = {};
  rule.min_free = 200;
  EXPECT_EQ(BytesToKeep(rule, 500, 50), 350) << "150 are lacking";
  EXPECT_GT(BytesToKeep(rule, 500, 400), 500) << "enough is free";
  rule.max_used = 100;
  EXPECT_EQ(BytesToKeep(rule, 500, 50), 100);
  rule.min_free = 2'000;
  EXPECT_EQ(BytesToKeep(rule, 500, 50), 1) << "never 0, which is no limit";
}

TEST(PrunePlanTest, RulesFollowEachOther) {
  std::vector<CacheUnit> units{Unit("mount", 100, 30s), Unit("layer", 100, 20s)};
  units[0].type = "exec.cachemount";
  PruneRule mounts;
  mounts.matches = [](const CacheUnit& unit) { return unit.type == "exec.cachemount"; };
  mounts.max_used = 50;
  PruneRule limit;
  limit.max_used = 101;
  EXPECT_THAT(Plan(units, {mounts, limit}), ElementsAre("mount")) << "the first rule made room enough for the second";
}

}  // namespace
}  // namespace loam::engine
