#include "compiler/parse/dockerfile/directives.h"

#include <gtest/gtest.h>

namespace loam::parse {
namespace {

TEST(DetectSyntax, HashForm) {
  EXPECT_EQ(DetectSyntax("# syntax = docker/dockerfile:1 // 2  \nFROM a\n"),
            (DetectedDirective{"docker/dockerfile:1", "docker/dockerfile:1 // 2", 1}));
  EXPECT_EQ(DetectSyntax("#escape=`\n#SYNTAX=a\n")->line, 2U);
  EXPECT_EQ(DetectSyntax("\xEF\xBB\xBF#syntax=a\r\n")->name, "a");
  EXPECT_EQ(DetectSyntax("#!/bin/x\n# syntax=a\n")->line, 2U);
}

TEST(DetectSyntax, OtherForms) {
  EXPECT_EQ(DetectSyntax("// syntax=x/y\n{}")->name, "x/y");
  EXPECT_EQ(DetectSyntax("#!/bin/x\n// syntax=x\n")->line, 2U);
  EXPECT_EQ(DetectSyntax(" {\"syntax\": \"j k\", \"x\": [1]}\n")->name, "j k");
  EXPECT_FALSE(DetectSyntax("{\"syntax\": 1}"));
  EXPECT_FALSE(DetectSyntax("{\"syntax\": \"a\"} x"));
  EXPECT_FALSE(DetectSyntax("{bad"));
}

TEST(DetectSyntax, StopsAtTheFirstLineThatIsNone) {
  EXPECT_FALSE(DetectSyntax(""));
  EXPECT_FALSE(DetectSyntax("\n# syntax=a\n"));
  EXPECT_FALSE(DetectSyntax("# a comment\n# syntax=a\n"));
  EXPECT_FALSE(DetectSyntax("# other=1\n# syntax=a\n"));
  EXPECT_FALSE(DetectSyntax("# syntax=\n"));
  EXPECT_FALSE(DetectSyntax("# escape=`\n# escape=`\n# syntax=a\n"));
  EXPECT_FALSE(DetectSyntax("FROM a\n"));
}

TEST(FindDirective, OnlyTheHashForm) {
  EXPECT_EQ(FindDirective("# check=skip=all;error=true x\n", "check")->value, "skip=all;error=true x");
  EXPECT_EQ(FindDirective("# check=skip=all;error=true x\n", "check")->name, "skip=all;error=true");
  EXPECT_FALSE(FindDirective("// check=a\n", "check"));
}

}  // namespace
}  // namespace loam::parse
