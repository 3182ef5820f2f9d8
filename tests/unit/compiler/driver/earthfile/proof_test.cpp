#include "compiler/driver/earthfile/proof.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_system.h"
#include "compiler/sema/earthfile/local_project.h"

namespace loam::driver::earthfile {
namespace {

class Proof : public ::testing::Test {
 protected:
  Proof() : folder_(*TempDir::Create()), host_({.directory = folder_.path(), .offline = true}) {}
  Everything Of(const std::string& text) {
    auto made = BuildEarthfile(folder_.path() + "/Earthfile", text, host_);
    EXPECT_TRUE(made) << made.error().message();
    return *made;
  }
  std::vector<std::string> Compare(const std::string& before, const std::string& after) {
    return Differences(Of(before), Of(after));
  }

  TempDir folder_;
  sema::earthfile::LocalProjectHost host_;
};

constexpr const char* kText =
    "VERSION 0.8\nFROM alpine:3\na:\n  IF [ -f x ]\n    RUN one\n  ELSE\n    RUN two\n  END\n  SAVE IMAGE app\nb:\n  "
    "LOCALLY\n "
    " RUN three\n";

TEST_F(Proof, EveryTargetIsEvaluated) {
  const Everything all = Of(kText);
  EXPECT_EQ(all.targets, 2U);
  EXPECT_EQ(all.evaluated, 2U);
  EXPECT_TRUE(all == Of(kText));
}

TEST_F(Proof, LayoutChangesNothing) {
  std::string text = kText;
  text.replace(text.find("  RUN two"), 9, "            RUN   two # why\n");
  EXPECT_TRUE(Compare(kText, text).empty());
}

TEST_F(Proof, BothBranchesAndTheMachineCount) {
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = kText;
    text.replace(text.find(from), from.size(), to);
    return Compare(kText, text);
  };
  EXPECT_THAT(changed("RUN one", "RUN uno"), testing::ElementsAre("target `+a` makes something else"));
  EXPECT_THAT(changed("RUN two", "RUN duo"), testing::ElementsAre("target `+a` makes something else"));
  EXPECT_THAT(changed("RUN three", "RUN tre"), testing::ElementsAre("target `+b` makes something else"));
  EXPECT_THAT(changed("SAVE IMAGE app", "SAVE IMAGE other"), testing::ElementsAre("target `+a` makes something else"));
  EXPECT_THAT(changed("\nb:", "\nc:"), testing::ElementsAre("target `+b` is gone", "target `+c` is new"));
}

TEST_F(Proof, WhatCannotBeEvaluatedIsComparedByItsMistake) {
  const std::string remote = "VERSION 0.8\na:\n  BUILD github.com/x/y:v1+z\n";
  EXPECT_EQ(Of(remote).evaluated, 0U);
  EXPECT_TRUE(Compare(remote, "VERSION 0.8\n\n\na:\n      BUILD github.com/x/y:v1+z\n").empty());
}

}  // namespace
}  // namespace loam::driver::earthfile
