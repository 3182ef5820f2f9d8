#include "compiler/sema/earthfile/features.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::sema::earthfile {
namespace {

using diag::Kind;
using testing::HasSubstr;

Checked<FeatureSet> Read(const std::vector<std::string>& texts, std::string_view overrides = "") {
  std::vector<Word> words;
  for (const std::string& text : texts) {
    words.push_back({text, {}});
  }
  return ReadFeatures(words, overrides, {});
}

TEST(EarthFeatures, DefaultsByVersion) {
  EXPECT_FALSE(Features::OfVersion(0, 5).Has(Feature::kForIn));
  EXPECT_TRUE(Features::OfVersion(0, 6).Has(Feature::kForIn));
  EXPECT_FALSE(Features::OfVersion(0, 6).Has(Feature::kWaitBlock));
  EXPECT_TRUE(Features::OfVersion(0, 7).Has(Feature::kWaitBlock));
  EXPECT_FALSE(Features::OfVersion(0, 7).Has(Feature::kPassArgs));
  EXPECT_TRUE(Features::OfVersion(0, 8).Has(Feature::kPassArgs));
  EXPECT_FALSE(Features::OfVersion(0, 8).Has(Feature::kTryFinally));
  EXPECT_EQ(Features::OfVersion(0, 0).ToString(), "VERSION 0.0");
}

TEST(EarthFeatures, FlagsAndNotes) {
  const auto set = Read({"--try", "--pass-args", "0.8"});
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->features.Has(Feature::kTryFinally));
  ASSERT_EQ(set->already_default.size(), 1U);
  EXPECT_EQ(set->already_default[0].text, "--pass-args");
  EXPECT_EQ(set->features.ToString(), "VERSION --try 0.8");
}

TEST(EarthFeatures, NegationWins) {
  EXPECT_FALSE(Read({"--no-use-registry-for-with-docker", "0.8"})->features.Has(Feature::kUseRegistryForWithDocker));
  EXPECT_FALSE(Read({"0.8"}, "no-use-registry-for-with-docker")->features.Has(Feature::kUseRegistryForWithDocker));
}

TEST(EarthFeatures, Overrides) {
  const auto set = Read({"0.7"}, " --try, pass-args ");
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->features.Has(Feature::kTryFinally));
  EXPECT_TRUE(set->features.Has(Feature::kPassArgs));
  EXPECT_THAT(CheckFeatureOverrides("tri").error().hint(), HasSubstr("`try`"));
  EXPECT_FALSE(Read({"0.8"}, "nonsense"));
}

TEST(EarthFeatures, Mistakes) {
  const auto kind = [](const Checked<FeatureSet>& set) { return set.error().diagnostics().front().kind; };
  EXPECT_EQ(kind(Read({"--tyr", "0.8"})), Kind::kEarthUnknownFeature);
  EXPECT_THAT(Read({"--tyr", "0.8"}).error().diagnostics()[0].hints.at(0), HasSubstr("--try"));
  EXPECT_EQ(kind(Read({"-try", "0.8"})), Kind::kEarthUnknownFeature);
  EXPECT_EQ(kind(Read({"--try=true", "0.8"})), Kind::kEarthFeatureValue);
  EXPECT_EQ(kind(Read({"--try"})), Kind::kEarthVersionWords);
  EXPECT_EQ(kind(Read({"0.8", "--try"})), Kind::kEarthVersionWords);
  EXPECT_EQ(kind(Read({"eight"})), Kind::kEarthVersionWords);
  EXPECT_EQ(kind(Read({"0.9"})), Kind::kEarthUnsupportedVersion);
  EXPECT_EQ(kind(Read({"1.8"})), Kind::kEarthUnsupportedVersion);
  EXPECT_EQ(kind(Read({"--arg-scope-and-set", "0.6"})), Kind::kEarthFeatureDependency);
  EXPECT_TRUE(Read({"--arg-scope-and-set", "--shell-out-anywhere", "0.6"}));
}

TEST(EarthFeatures, TableIsConsistent) {
  std::set<std::string_view> flags;
  for (const FeatureInfo& info : kFeatures) {
    EXPECT_TRUE(flags.insert(info.flag).second) << info.flag;
    EXPECT_TRUE(info.since.empty() || (info.since.size() == 3 && info.since.starts_with("0."))) << info.flag;
    EXPECT_EQ(InfoOf(*FeatureWithFlag(info.flag)).flag, info.flag);
  }
}

}  // namespace
}  // namespace loam::sema::earthfile
