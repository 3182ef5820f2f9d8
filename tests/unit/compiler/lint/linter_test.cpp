#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/driver/compile.h"
#include "compiler/lint/rule.h"
#include "compiler/lint/skip.h"
#include "compiler/lint/suggest.h"
#include "compiler/sema/unknown_build_host.h"

namespace loam::lint {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Host : public sema::UnknownBuildHost {
 public:
  Result<sema::ImageMetadata> ResolveImage(const sema::ImageQuery& query) override {
    return sema::ImageMetadata{
        std::string(query.ref), "",
        fmt::format(R"({{"architecture":"{}","os":"linux","config":{{"Env":["PATH=/bin","GREETING=hi"]}},)"
                    R"("rootfs":{{"type":"layers","diff_ids":["x"]}}}})",
                    query.ref.find("only-arm") != std::string_view::npos ? "arm64" : "amd64")};
  }
  Result<std::string> ReadContextFile(std::string_view /*name*/, std::string_view /*path*/) override { return ignore; }
  Result<std::string> ReadDockerfileNeighbour(std::string_view /*path*/) override {
    return Unexpected(ErrorCode::kNotFound, "none");
  }

  std::string ignore = "secret/\n*.log\n";
};

class LinterTest : public testing::Test {
 protected:
  // "Rule first-last" of each warning, in order; then "error" if the file was refused.
  std::vector<std::string> Check(const std::string& text) {
    options_.dockerfile.platforms = {"linux/amd64"};
    options_.dockerfile.build_platform = "linux/amd64";
    options_.dockerfile.read_dockerignore = true;
    source::SourceManager sources;
    diag::CollectingConsumer diagnostics;
    diag::Emitter emitter(diagnostics);
    const source::Buffer* buffer = sources.AddText("Dockerfile", text).value();
    auto result = driver::Compile(sources, *buffer, options_, host_, emitter);
    std::vector<std::string> out;
    messages_.clear();
    for (const Warning& warning : result->warnings) {
      out.push_back(fmt::format("{} {}-{}", warning.rule->name, warning.lines.first, warning.lines.last));
      messages_.push_back(warning.message);
    }
    if (!result->ok) {
      out.emplace_back("error");
    }
    return out;
  }

  LinterTest() { options_.lint = true; }

  Host host_;
  driver::CompileOptions options_;
  std::vector<std::string> messages_;
};

TEST_F(LinterTest, IsSilentOnAGoodFile) {
  EXPECT_THAT(Check("ARG TAG=1\nFROM alpine:$TAG AS build\nARG OUT=/o\nWORKDIR /src\nENV A=b\nRUN echo $UNSET > $OUT\n"
                    "COPY . $OUT$GREETING\nEXPOSE 80/tcp\nCMD [\"a\"]\n"),
              IsEmpty());
}

TEST_F(LinterTest, ReportsTheTextFirstThenStagesThenTheConversion) {
  EXPECT_THAT(
      Check("from alpine AS One\nMAINTAINER me\nCOPY $X \\\n\n  /x\nWORKDIR rel\n"),
      ElementsAre("NoEmptyContinuation 5-5", "StageNameCasing 1-1", "FromAsCasing 1-1", "MaintainerDeprecated 2-2",
                  "ConsistentInstructionCasing 1-1", "UndefinedVar 3-5", "WorkdirRelativePath 6-6"));
}

TEST_F(LinterTest, NamesOfStages) {
  EXPECT_THAT(Check("FROM alpine AS scratch\nFROM alpine AS a\nFROM alpine AS a\n"),
              ElementsAre("ReservedStageName 1-1", "DuplicateStageName 3-3"));
  EXPECT_THAT(messages_, ElementsAre("Stage name should not use the same name as reserved stage \"scratch\"",
                                     "Duplicate stage name \"a\", stage names should be unique"));
}

TEST_F(LinterTest, CasingFollowsTheMajorityAndUpperCaseOnATie) {
  EXPECT_THAT(Check("FROM alpine\nuser me\n"), ElementsAre("ConsistentInstructionCasing 2-2"));
  EXPECT_THAT(Check("FROM alpine\nuser me\nuser you\n"), ElementsAre("ConsistentInstructionCasing 1-1"));
  EXPECT_THAT(Check("From alpine As x\n"), ElementsAre("ConsistentInstructionCasing 1-1"));
}

TEST_F(LinterTest, VariablesOfFrom) {
  EXPECT_THAT(Check("ARG VERSION\nFROM alpine:3$VERSOIN\n"), ElementsAre("UndefinedArgInFrom 2-2"));
  EXPECT_THAT(messages_, ElementsAre("FROM argument 'VERSOIN' is not declared (did you mean VERSION?)"));
  EXPECT_THAT(Check("ARG VERSION\nFROM alpine:3$VERSION\n"), IsEmpty());
  options_.dockerfile.build_args["TAG"] = "1";
  EXPECT_THAT(Check("ARG TAG\nFROM alpine:$TAG\n"), ElementsAre("InvalidDefaultArgInFrom 2-2"));
}

TEST_F(LinterTest, PlatformsOfFrom) {
  EXPECT_THAT(Check("FROM --platform=$TARGETPLATFORM alpine\n"), ElementsAre("RedundantTargetPlatform 1-1"));
  EXPECT_THAT(Check("FROM --platform=linux/amd64 alpine\n"), ElementsAre("FromPlatformFlagConstDisallowed 1-1"));
  EXPECT_THAT(Check("FROM --platform=linux/amd64 alpine AS for-amd64\n"), IsEmpty());
  EXPECT_THAT(Check("FROM --platform=$BUILDPLATFORM alpine\n"), IsEmpty());
  EXPECT_THAT(Check("FROM example.org/only-arm\n"), ElementsAre("InvalidBaseImagePlatform 1-1"));
}

TEST_F(LinterTest, VariablesOfInstructions) {
  EXPECT_THAT(Check("FROM alpine\nARG LATER\nCOPY $LATER$GREETING /\nENV A=$HTAP:$TWO\n"),
              ElementsAre("UndefinedVar 4-4", "UndefinedVar 4-4"));
  EXPECT_THAT(messages_, ElementsAre("Usage of undefined variable '$HTAP'", "Usage of undefined variable '$TWO'"));
  Check("FROM alpine\nENV A=$PAHT\n");
  EXPECT_THAT(messages_, ElementsAre("Usage of undefined variable '$PAHT' (did you mean $PATH?)"));
}

TEST_F(LinterTest, TheOneThatHasNoEffectIsReported) {
  EXPECT_THAT(Check("FROM alpine AS a\nCMD [\"1\"]\nCMD [\"2\"]\nCMD [\"3\"]\nFROM a\nCMD [\"4\"]\n"),
              ElementsAre("MultipleInstructionsDisallowed 2-2", "MultipleInstructionsDisallowed 3-3"));
}

TEST_F(LinterTest, ShellFormsAndOldForms) {
  EXPECT_THAT(Check("FROM alpine\nCMD a b\n"), ElementsAre("JSONArgsRecommended 2-2"));
  EXPECT_THAT(Check("FROM alpine\nSHELL [\"/sh\"]\nCMD a b\n"), IsEmpty());
  EXPECT_THAT(Check("FROM alpine\nenv A b\nLABEL c d\n"),
              ElementsAre("ConsistentInstructionCasing 2-2", "LegacyKeyValueFormat 2-2", "LegacyKeyValueFormat 3-3"));
}

TEST_F(LinterTest, SecretsByWordsOfTheName) {
  EXPECT_THAT(Check("FROM alpine\nARG API_KEY\nENV A=1 db_Password=x\nENV KEYBOARD=1 TOKEN_FILE=/t\nLABEL token=1\n"),
              ElementsAre("SecretsUsedInArgOrEnv 2-2", "SecretsUsedInArgOrEnv 3-3"));
}

TEST_F(LinterTest, WorkdirOfABaseStageCounts) {
  EXPECT_THAT(Check("FROM alpine AS a\nWORKDIR /x\nFROM a\nWORKDIR y\n"), IsEmpty());
  EXPECT_THAT(Check("FROM alpine\nWORKDIR y\nWORKDIR z\n"), ElementsAre("WorkdirRelativePath 2-2"));
}

TEST_F(LinterTest, FilesThatAreIgnored) {
  EXPECT_THAT(Check("FROM alpine\nCOPY a.log b /d/\nADD ./secret/x /\nCOPY . /all\n"),
              ElementsAre("CopyIgnoredFile 2-2", "CopyIgnoredFile 3-3"));
  EXPECT_THAT(messages_, ElementsAre("Attempting to Copy file \"a.log\" that is excluded by .dockerignore",
                                     "Attempting to Add file \"secret/x\" that is excluded by .dockerignore"));
  EXPECT_THAT(Check("FROM alpine AS a\nFROM alpine\nCOPY --from=a /a.log /\n"), IsEmpty());
  host_.ignore = "*\n!b\n";
  EXPECT_THAT(Check("FROM alpine\nCOPY a /\n"), IsEmpty());
  host_.ignore = "*\n";
  EXPECT_THAT(Check("FROM alpine\nCOPY . /\n"), ElementsAre("CopyIgnoredFile 2-2"));
}

TEST_F(LinterTest, Ports) {
  EXPECT_THAT(Check("FROM alpine\nEXPOSE 80/TCP 8080:80\n"),
              ElementsAre("ExposeProtoCasing 2-2", "ExposeInvalidFormat 2-2"));
}

TEST_F(LinterTest, ExperimentalChecksHaveToBeAskedFor) {
  const std::string text = "# about it\nFROM alpine AS base\n# N of them\nARG N\n#other\nARG A B\n";
  EXPECT_THAT(Check(text), IsEmpty());
  EXPECT_THAT(Check("# check=skip=all;experimental=all\n" + text),
              ElementsAre("InvalidDefinitionDescription 3-3", "InvalidDefinitionDescription 7-7"));
}

TEST_F(LinterTest, OptionsOfFileInstructionAndBuild) {
  EXPECT_THAT(Check("# check=skip=JSONArgsRecommended\nFROM alpine\nCMD a\nENV A b\n"),
              ElementsAre("LegacyKeyValueFormat 4-4"));
  EXPECT_THAT(Check("FROM alpine\n# check=skip=JSONArgsRecommended because\nCMD a\nENTRYPOINT b\n"),
              ElementsAre("JSONArgsRecommended 4-4"));
  options_.dockerfile.check = "skip=all";
  EXPECT_THAT(Check("# check=error=true\nFROM alpine\nCMD a\n"), IsEmpty());
}

TEST_F(LinterTest, WarningsCanFailTheBuildEvenIfNobodyAskedForThem) {
  options_.lint = false;
  EXPECT_THAT(Check("# check=error=true\nFROM alpine\nCMD a\n"), ElementsAre("JSONArgsRecommended 3-3", "error"));
  EXPECT_THAT(Check("# check=error=true\nFROM alpine\nCMD [\"a\"]\n"), IsEmpty());
  EXPECT_THAT(Check("FROM alpine\nCMD a\n"), IsEmpty());
}

TEST_F(LinterTest, StopsWhereTheFileIsWrong) {
  EXPECT_THAT(Check("FROM alpine AS Big\nMAINTAINER me\nNOSUCH\nMAINTAINER you\n"),
              ElementsAre("StageNameCasing 1-1", "MaintainerDeprecated 2-2", "error"));
  EXPECT_THAT(Check("FROM alpine AS Big\nENV a\n"), ElementsAre("error"));
  EXPECT_THAT(Check("FROM alpine\nENV A b\nENV C=${\nENV D e\n"), ElementsAre("LegacyKeyValueFormat 2-2", "error"));
}

TEST_F(LinterTest, StagesThatAreNotNeeded) {
  const std::string text = "FROM alpine AS a\nENV A b\nFROM alpine\n";
  EXPECT_THAT(Check(text), IsEmpty());
  options_.all_stages = true;
  EXPECT_THAT(Check(text), ElementsAre("LegacyKeyValueFormat 2-2"));
}

TEST(Rules, HaveNamesAddressesAndPages) {
  EXPECT_EQ(Rules().size(), 22U);
  for (const RuleEntry& entry : Rules()) {
    std::string_view page = entry.info.url;
    if (page.empty()) {
      EXPECT_EQ(entry.info.name, "InvalidBaseImagePlatform");
      page = "/invalid-base-image-platform/";
    }
    page.remove_suffix(1);
    page = page.substr(page.rfind('/') + 1);
    std::ifstream in(fmt::format("{}/docs/checks/{}.md", LOAM_SOURCE_DIR, page));
    std::string title;
    std::getline(in, title);
    EXPECT_EQ(title, fmt::format("# {}", entry.info.name));
  }
}

TEST(Suggest, TakesTheFirstOfTheNearest) {
  const std::string_view names[] = {"PATH", "HOME", "HOST"};
  EXPECT_EQ(Suggest("PAHT", names), "PATH");
  EXPECT_EQ(Suggest("HOMT", names), "HOME");
  EXPECT_EQ(Suggest("HOME", names), "");
  EXPECT_EQ(Suggest("NOTHING", names), "");
  EXPECT_EQ(Suggest("path", names), "");
  const std::string_view letters[] = {"ab"};
  EXPECT_EQ(Suggest("", letters), "ab");
  EXPECT_EQ(Suggest("xyab", letters), "ab");
  EXPECT_EQ(Suggest("xyzab", letters), "");
}

TEST(Skip, ReadsTheFirstCommentThatHasOptions) {
  const auto options = [](std::vector<ast::Text> comments) { return OptionsInComments(comments); };
  EXPECT_EQ(options({{"check = skip=A,B rest", {}}})->skip, (std::vector<std::string>{"A", "B"}));
  EXPECT_TRUE(options({{"words", {}}, {"Check=skip=all", {}}})->skip_all);
  EXPECT_FALSE(options({{"checks=skip=all", {}}}));
  EXPECT_FALSE(options({{"check", {}}, {"check=", {}}}));
  EXPECT_FALSE(options({{"check=wrong", {}}, {"check=skip=all", {}}}));
}

}  // namespace
}  // namespace loam::lint
