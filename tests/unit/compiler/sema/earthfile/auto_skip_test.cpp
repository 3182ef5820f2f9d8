#include "compiler/sema/earthfile/auto_skip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memory_project.h"

namespace loam::sema::earthfile {
namespace {

using diag::Kind;
using testing::HasSubstr;

class EarthAutoSkipTest : public testing::Test {
 protected:
  // A project of its own for each hash: texts change in between.
  Checked<AutoSkipHash> Hash(std::string_view target = "+t", const Scope& overriding = {}) {
    source::SourceManager sources;
    Project project(host_, sources, {});
    return HashTarget(project, *ParseReference(target), overriding, options_, {});
  }
  std::string Hex(std::string_view target = "+t", const Scope& overriding = {}) {
    auto hash = Hash(target, overriding);
    EXPECT_TRUE(hash) << hash.error().message();
    return hash ? hash->hash : "";
  }
  std::string Message(std::string_view target = "+t") {
    auto hash = Hash(target);
    EXPECT_FALSE(hash);
    return hash ? "" : std::string(hash.error().message());
  }
  void Recipe(const std::string& recipe, const std::string& before = "") {
    host_.files["Earthfile"] = "VERSION --wildcard-builds 0.8\n" + before + "t:\n" + recipe;
  }
  MemoryProjectHost host_;
  AutoSkipOptions options_{.version = "1", .build_sha = "x", .platform = "linux/amd64"};
};

TEST_F(EarthAutoSkipTest, FilesCount) {
  Recipe("    FROM alpine\n    COPY src a.txt dst/\n");
  host_.files["a.txt"] = "1";
  host_.files["src/b/c"] = "1";
  const std::string first = Hex();
  EXPECT_EQ(Hex(), first);
  EXPECT_EQ(Hash()->files, 2U);
  host_.files["unrelated"] = "1";
  EXPECT_EQ(Hex(), first);
  host_.files["src/b/c"] = "2";
  const std::string second = Hex();
  EXPECT_NE(second, first);
  host_.files["src/b/d"] = "";
  EXPECT_NE(Hex(), second);
}

TEST_F(EarthAutoSkipTest, IgnoredFilesDoNot) {
  Recipe("    FROM alpine\n    COPY . .\n");
  host_.files[".earthlyignore"] = "node_modules\n";
  host_.files["node_modules/x"] = "1";
  const std::string first = Hex();
  host_.files["node_modules/x"] = "2";
  EXPECT_EQ(Hex(), first);
}

TEST_F(EarthAutoSkipTest, CommandsVersionAndOptionsCount) {
  Recipe("    FROM alpine\n    RUN a\n");
  const std::string first = Hex();
  Recipe("    FROM alpine\n    RUN b\n");
  EXPECT_NE(Hex(), first);
  Recipe("    FROM alpine\n    RUN a\n", "ENV X = 1\n");
  EXPECT_NE(Hex(), first);
  Recipe("    FROM alpine\n    RUN a\n");
  EXPECT_EQ(Hex(), first);
  options_.version = "2";
  EXPECT_NE(Hex(), first);
}

TEST_F(EarthAutoSkipTest, OnlyArgsThatAreRead) {
  Recipe("    FROM alpine\n    ARG A = 1\n    RUN a\n");
  const std::string first = Hex();
  EXPECT_EQ(Hex("+t", {{"A", "1"}}), first);
  EXPECT_EQ(Hex("+t", {{"OTHER", "x"}}), first);
  EXPECT_NE(Hex("+t", {{"A", "2"}}), first);
}

TEST_F(EarthAutoSkipTest, ReachedTargetsAndFunctionsCount) {
  host_.files["lib/Earthfile"] = "VERSION 0.8\nF:\n    FUNCTION\n    COPY in /\n    RUN one\n";
  host_.files["sub/Earthfile"] = "VERSION 0.8\nu:\n    FROM scratch\n    COPY x /\n";
  host_.files["sub/x"] = "1";
  host_.files["in"] = "1";
  Recipe("    FROM alpine\n    DO lib+F\n    COPY (./sub+u/x --A=$A) .\n    BUILD ./sub+u\n", "IMPORT ./lib\n");
  const std::string first = Hex();
  host_.files["sub/x"] = "2";
  const std::string second = Hex();
  EXPECT_NE(second, first);
  // A function's COPY reads the caller's directory, and an edit of its body is noticed.
  host_.files["in"] = "2";
  const std::string third = Hex();
  EXPECT_NE(third, second);
  host_.files["lib/Earthfile"] = "VERSION 0.8\nF:\n    FUNCTION\n    COPY in /\n    RUN two\n";
  EXPECT_NE(Hex(), third);
}

TEST_F(EarthAutoSkipTest, ConditionsAreDecidedWhereTheyCanBe) {
  host_.files["yes"] = "1";
  host_.files["no"] = "1";
  Recipe(
      "    FROM alpine\n    ARG A = 1\n    IF [ \"$A\" = \"1\" ]\n        COPY yes .\n    ELSE\n        COPY no .\n    "
      "END\n");
  const std::string first = Hex();
  host_.files["no"] = "2";
  EXPECT_EQ(Hex(), first);
  host_.files["yes"] = "2";
  EXPECT_NE(Hex(), first);
  Recipe("    FROM alpine\n    IF grep x y\n        COPY yes .\n    ELSE\n        COPY no .\n    END\n");
  const std::string both = Hex();
  host_.files["no"] = "3";
  EXPECT_NE(Hex(), both);
}

TEST_F(EarthAutoSkipTest, UnknownThingsAreRefused) {
  Recipe("    FROM alpine\n    BUILD +$(echo x)\n");
  EXPECT_THAT(Message(), HasSubstr("known only when it is built"));
  Recipe("    FROM alpine\n    LET v = $(cat f)\n    COPY $v .\n");
  EXPECT_THAT(Message(), HasSubstr("known only when it is built"));
  Recipe("    FROM github.com/o/r:main+x\n");
  EXPECT_THAT(Message(), HasSubstr("may change"));
  Recipe("    FROM github.com/o/r:tags/v1+x\n");
  EXPECT_TRUE(Hash());
  Recipe("    BUILD +t\n");
  EXPECT_THAT(Message(), HasSubstr("depends on itself"));
  Recipe("    FROM alpine\n    COPY none .\n");
  EXPECT_THAT(Message(), HasSubstr("no file `none`"));
  Recipe("    FROM alpine\n    COPY --if-exists none .\n");
  EXPECT_TRUE(Hash());
  Recipe("    FROM alpine\n    COPY a/** .\n");
  EXPECT_THAT(Message(), HasSubstr("**"));
}

TEST_F(EarthAutoSkipTest, ASetInAnUndecidedBranchIsNotKnownAfterwards) {
  Recipe("    FROM alpine\n    LET v = a\n    IF grep x y\n        SET v = b\n    END\n    BUILD +$v\n");
  EXPECT_THAT(Message(), HasSubstr("known only when it is built"));
}

TEST_F(EarthAutoSkipTest, LoopsAndMatrices) {
  Recipe(
      "    FROM alpine\n    FOR f IN one two\n        COPY $f .\n    END\n    BUILD +u --A=1 --A=2\nu:\n    FROM "
      "scratch\n    ARG A\n");
  host_.files["one"] = "1";
  host_.files["two"] = "1";
  const auto hash = Hash();
  ASSERT_TRUE(hash) << hash.error().message();
  EXPECT_EQ(hash->files, 2U);
  EXPECT_EQ(hash->targets, 3U);
}

TEST(EarthConditions, Decisions) {
  const auto decide = [](std::vector<std::string> words) { return DecideCondition(words); };
  EXPECT_EQ(decide({"[", "a", "=", "a", "]"}), true);
  EXPECT_EQ(decide({"[", "a", "!=", "a", "]"}), false);
  EXPECT_EQ(decide({"[", "", "]"}), false);
  EXPECT_EQ(decide({"[", "-z", "", "]"}), true);
  EXPECT_EQ(decide({"[", "-n", "x", "]", "&&", "[", "2", "-gt", "10", "]"}), false);
  EXPECT_EQ(decide({"false", "&&", "false", "||", "true"}), true);
  EXPECT_EQ(decide({"true", "||", "true", "&&", "false"}), false);
  EXPECT_EQ(decide({"!", "[", "a", "]"}), false);
  EXPECT_EQ(decide({"[", "!", "-n", "a", "]"}), false);
  EXPECT_EQ(decide({"[", "-f", "x", "]"}), std::nullopt);
  EXPECT_EQ(decide({"[", "a", "=", "a"}), std::nullopt);
  EXPECT_EQ(decide({"test", "-n", "x"}), std::nullopt);
  EXPECT_EQ(decide({"[", "a", "-eq", "1", "]"}), std::nullopt);
  EXPECT_EQ(decide({"true", ";", "false"}), std::nullopt);
  EXPECT_EQ(decide({"true", "&&"}), std::nullopt);
  EXPECT_EQ(decide({}), std::nullopt);
}

}  // namespace
}  // namespace loam::sema::earthfile
