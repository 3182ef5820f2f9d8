#include "base/line_diff.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(LineDiff, SaysNothingOfEqualTexts) {
  EXPECT_EQ(UnifiedDiff("a\nb\n", "a\nb\n", "x", "y"), "");
}

TEST(LineDiff, ShowsThreeLinesAround) {
  EXPECT_EQ(UnifiedDiff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", "old", "new"),
            "--- old\n+++ new\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(LineDiff, JoinsNearChangesAndSplitsFarOnes) {
  const std::string near = UnifiedDiff("a\n1\n2\nb\n", "A\n1\n2\nB\n", "x", "y");
  EXPECT_EQ(near, "--- x\n+++ y\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n-b\n+B\n");
  const std::string far = UnifiedDiff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n", "x", "y");
  EXPECT_EQ(far, "--- x\n+++ y\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
}

TEST(LineDiff, MarksAMissingLineFeedAndEmptyTexts) {
  EXPECT_EQ(UnifiedDiff("a", "b\n", "x", "y"), "--- x\n+++ y\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n");
  EXPECT_EQ(UnifiedDiff("", "b\n", "x", "y"), "--- x\n+++ y\n@@ -0,0 +1 @@\n+b\n");
}

TEST(LineChanges, AreWholeLines) {
  const auto changes = LineChanges("a\nb\nc\n", "a\nB\nB2\nc\nd\n");
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].before_begin, 1U);
  EXPECT_EQ(changes[0].before_end, 2U);
  EXPECT_EQ(changes[0].after_begin, 1U);
  EXPECT_EQ(changes[0].after_end, 3U);
  EXPECT_EQ(changes[1].before_begin, 3U);
  EXPECT_EQ(changes[1].before_end, 3U);
  EXPECT_EQ(changes[1].after_end, 5U);
  EXPECT_TRUE(LineChanges("a\n", "a\n").empty());
}

}  // namespace
}  // namespace loam
