#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "compiler/driver/check_report.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/targets_report.h"
#include "compiler/sema/unknown_build_host.h"

namespace loam::driver {
namespace {

class ReportTest : public testing::Test {
 protected:
  void Compile(std::string text) {
    buffer_ = sources_.AddText("Dockerfile", std::move(text)).value();
    CompileOptions options;
    options.lint = true;
    options.stop_after = StopAfter::kSema;
    diag::Emitter emitter(diagnostics_);
    sema::UnknownBuildHost host;
    result_ = driver::Compile(sources_, *buffer_, options, host, emitter).value();
  }
  [[nodiscard]] CheckReport Report() const { return {result_.warnings, diagnostics_.diagnostics(), *buffer_}; }

  source::SourceManager sources_;
  const source::Buffer* buffer_ = nullptr;
  diag::CollectingConsumer diagnostics_;
  CompileResult result_;
};

TEST_F(ReportTest, NothingFound) {
  Compile("FROM scratch\n");
  EXPECT_EQ(CheckText(Report()), "Check complete, no warnings found.\n");
  const auto json = nlohmann::json::parse(CheckJson(Report()));
  EXPECT_TRUE(json["warnings"].is_null());
  EXPECT_FALSE(json.contains("buildError"));
}

TEST_F(ReportTest, WarningsWithTheirLines) {
  Compile("FROM scratch\nCMD a\nENV A <b>\n");
  const std::string text = CheckText(Report());
  EXPECT_TRUE(
      text.starts_with("Check complete, 2 warnings have been found!\n\nWARNING: JSONArgsRecommended - "
                       "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/\n"))
      << text;
  EXPECT_NE(
      text.find(
          "\nDockerfile:2\n--------------------\n   1 |     FROM scratch\n   2 | >>> CMD a\n   3 |     ENV A <b>\n"),
      std::string::npos)
      << text;
  const std::string json_text = CheckJson(Report());
  const auto json = nlohmann::json::parse(json_text);
  EXPECT_EQ(json["warnings"].size(), 2U);
  EXPECT_EQ(json["warnings"][1]["ruleName"], "LegacyKeyValueFormat");
  EXPECT_EQ(json["warnings"][1]["location"]["ranges"][0]["start"]["line"], 3);
  EXPECT_EQ(json["sources"][0]["data"], Base64Encode(buffer_->text()));
}

TEST_F(ReportTest, AnErrorIsPartOfTheAnswer) {
  Compile("FROM scratch AS A\nNOPE\n");
  const auto json = nlohmann::json::parse(CheckJson(Report()));
  EXPECT_EQ(json["warnings"][0]["ruleName"], "StageNameCasing");
  EXPECT_EQ(json["buildError"]["location"]["ranges"][0]["start"]["line"], 2);
}

TEST_F(ReportTest, Targets) {
  Compile("# base is where it starts & ends\nFROM scratch AS base\nFROM --platform=$BUILDPLATFORM base\n");
  EXPECT_EQ(TargetsText(result_.dockerfile),
            "TARGET    DESCRIPTION\nbase      is where it starts & ends\n(default) \n");
  const std::string text = TargetsJson(result_.dockerfile, *buffer_);
  EXPECT_NE(text.find("starts \\u0026 ends"), std::string::npos);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["targets"][0]["name"], "base");
  EXPECT_EQ(json["targets"][1]["default"], true);
  EXPECT_EQ(json["targets"][1]["platform"], "$BUILDPLATFORM");
  EXPECT_EQ(json["sources"][0], Base64Encode(buffer_->text()));
}

}  // namespace
}  // namespace loam::driver
