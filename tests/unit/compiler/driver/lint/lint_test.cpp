#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "compiler/driver/lint/baseline.h"
#include "compiler/driver/lint/config.h"
#include "compiler/driver/lint/lint_file.h"
#include "compiler/driver/lint/report.h"
#include "compiler/sema/assumed_build_host.h"

namespace loam::driver::findings {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(LintConfig, IsRead) {
  const auto config = ParseLintConfig(
      "[editor]\nx = 1\n[lint]\nchecks = [\"hadolint\"]\nfail-on = \"error\"\nignore = [\"vendor/**\", \"*.old\"]\n"
      "[lint.severity]\nDL3008 = \"off\"\nUnusedArg = \"hint\"\n",
      ".loam.toml");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->checks->size(), 1U);
  EXPECT_EQ(config->fail_on, Severity::kError);
  EXPECT_EQ(config->severity.at("DL3008"), std::nullopt);
  EXPECT_EQ(config->severity.at("UnusedArg"), Severity::kStyle);
  EXPECT_TRUE(IsIgnored(*config, "vendor/a/Earthfile"));
  EXPECT_TRUE(IsIgnored(*config, "a/b/Dockerfile.old"));
  EXPECT_FALSE(IsIgnored(*config, "a/vendor/Earthfile"));
  EXPECT_FALSE(IsIgnored(*config, "Dockerfile"));
}

TEST(LintConfig, MistakesHavePlaces) {
  const auto unknown = ParseLintConfig("[lint]\nfail_on = \"error\"\n", "c");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(), HasSubstr("c:2: [lint] has no key `fail_on`"));
  EXPECT_FALSE(ParseLintConfig("[lint]\nchecks = 1\n", "c"));
  EXPECT_FALSE(ParseLintConfig("[lint.severity]\nDL3008 = \"loud\"\n", "c"));
  EXPECT_FALSE(ParseLintConfig("[lint", "c"));
}

class Lint : public ::testing::Test {
 protected:
  std::vector<Finding> Earthfile(const std::string& text) {
    const source::Buffer* buffer = *sources_.AddText("sub dir/Earthfile", text);
    auto findings = LintEarthfile(sources_, *buffer, {}, {});
    EXPECT_TRUE(findings);
    return *findings;
  }
  source::SourceManager sources_;
};

TEST_F(Lint, DockerfilesNeedNoNetwork) {
  sema::AssumedBuildHost host;
  const source::Buffer* buffer =
      *sources_.AddText("Dockerfile", "FROM alpine:3\nMAINTAINER x\n# loam: ignore=WorkdirRelativePath\nWORKDIR a\n");
  const auto findings = LintDockerfile(sources_, *buffer, {}, host);
  ASSERT_TRUE(findings) << findings.error().message();
  ASSERT_EQ(findings->size(), 1U);
  EXPECT_EQ(findings->front().rule, "MaintainerDeprecated");
}

TEST_F(Lint, MistakesAreFindings) {
  const auto findings = Earthfile("VERSION 0.8\na:\n    RNU x\n");
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings.front().severity, Severity::kError);
  EXPECT_EQ(findings.front().lines.first, 3U);
}

TEST_F(Lint, Reports) {
  const auto findings = Earthfile("VERSION 0.8\na:\n    FROM b,c:latest\n    RUN x\n");
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(TextReport(findings, false),
            "sub dir/Earthfile:3:10: warning: `b,c:latest` is another image tomorrow: name a release, or a digest "
            "[LatestBaseImage]\n        FROM b,c:latest\n             ^^^^^^^^^^\n");
  const auto json = nlohmann::json::parse(JsonReport(findings));
  EXPECT_EQ(json["findings"][0]["range"]["start"]["column"], 10);
  const auto sarif = nlohmann::json::parse(SarifReport(findings, "1"));
  EXPECT_EQ(sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            "sub%20dir/Earthfile");
  EXPECT_EQ(
      GithubReport(findings),
      "::warning file=sub dir/Earthfile,line=3,endLine=3,col=10,endColumn=20,title=LatestBaseImage::`b,c:latest` is "
      "another image tomorrow: name a release, or a digest\n");
  EXPECT_THAT(CheckstyleReport(findings),
              HasSubstr("<error line=\"3\" column=\"10\" severity=\"warning\" message=\"`b,c:latest` is"));
}

TEST_F(Lint, BaselinesForgiveWhatTheyList) {
  const std::string text = "VERSION 0.8\na:\n    FROM b\n    RUN x\n";
  const auto written = Baseline::Parse(Baseline::Of(Earthfile(text)).Print(), "b");
  ASSERT_TRUE(written) << written.error().message();
  // Further down, and one more.
  auto now = Earthfile("VERSION 0.8\n\n\na:\n    FROM b\n    FROM b\n    RUN x\n");
  ASSERT_EQ(now.size(), 2U);
  EXPECT_EQ(written->CountStale(now), 0U);
  EXPECT_EQ(written->Remove(now), 1U);
  EXPECT_EQ(now.size(), 1U);
  now.clear();
  EXPECT_EQ(written->CountStale(now), 1U);
  EXPECT_FALSE(Baseline::Parse("[]", "b"));
}

}  // namespace
}  // namespace loam::driver::findings
