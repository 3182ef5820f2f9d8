#include "compiler/driver/fix.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "compiler/driver/check_report.h"
#include "compiler/sema/unknown_build_host.h"

namespace loam::driver {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Host : public sema::UnknownBuildHost {
 public:
  Result<sema::ImageMetadata> ResolveImage(const sema::ImageQuery& query) override {
    ++resolved;
    return sema::ImageMetadata{std::string(query.ref), "",
                               R"({"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"]},)"
                               R"("rootfs":{"type":"layers","diff_ids":["x"]}})"};
  }
  Result<std::string> ReadContextFile(std::string_view /*name*/, std::string_view /*path*/) override {
    return Unexpected(ErrorCode::kNotFound, "none");
  }
  Result<std::string> ReadDockerfileNeighbour(std::string_view /*path*/) override {
    return Unexpected(ErrorCode::kNotFound, "none");
  }

  int resolved = 0;
};

class FixTest : public testing::Test {
 protected:
  FixTest() {
    options_.dockerfile.platforms = {"linux/amd64"};
    options_.dockerfile.build_platform = "linux/amd64";
    options_.more_checks.hadolint = true;
  }

  Result<FixOutcome> Try(const std::string& text, bool unsafe = false) {
    return FixDockerfile("Dockerfile", text, options_, host_, {.unsafe = unsafe});
  }
  std::string Fixed(const std::string& text, bool unsafe = false) {
    auto outcome = Try(text, unsafe);
    EXPECT_TRUE(outcome.has_value()) << (outcome ? "" : outcome.error().message());
    if (!outcome) {
      return {};
    }
    reports_ = outcome->reports;
    // Once is enough.
    EXPECT_EQ(Try(outcome->text, unsafe)->text, outcome->text);
    return outcome->text;
  }
  // "Rule line" of what was applied and left the build as it was.
  std::vector<std::string> Proved() {
    std::vector<std::string> out;
    for (const FixReport& report : reports_) {
      if (report.applied && report.changes.empty()) {
        out.push_back(fmt::format("{} {}", report.rule, report.lines.first));
      }
    }
    return out;
  }

  CompileOptions options_;
  Host host_;
  std::vector<FixReport> reports_;
};

TEST_F(FixTest, EditsApplyTogether) {
  EXPECT_EQ(ApplyEdits("abcdef", {{{{}, 4, 5}, "E"}, {{{}, 0, 1}, ""}, {{{}, 2, 2}, "-"}}), "b-cdEf");
  EXPECT_EQ(ApplyEdits("abc", {{{{}, 0, 2}, "x"}, {{{}, 1, 3}, "y"}}), "xc");
  EXPECT_EQ(ApplyEdits("", {}), "");
}

TEST_F(FixTest, ProvesCasing) {
  EXPECT_EQ(Fixed("FROM busybox:1 as Base\nrun echo hi\nFROM busybox:1\nCOPY --from=Base /a /b\n"),
            "FROM busybox:1 AS base\nRUN echo hi\nFROM busybox:1\nCOPY --from=Base /a /b\n");
  EXPECT_THAT(Proved(),
              testing::UnorderedElementsAre("FromAsCasing 1", "StageNameCasing 1", "ConsistentInstructionCasing 2"));
}

TEST_F(FixTest, ProvesPairs) {
  EXPECT_EQ(
      Fixed("FROM busybox:1\nENV one 1\nENV two a  b\nENV three it\\'s  $one \"x y\" z\nLABEL four  v w\n"
            "ENV five 'a b'c d\n"),
      "FROM busybox:1\nENV one=1\nENV two=\"a  b\"\nENV three=it\\'s\\ \\ $one\\ \"x y\"\\ z\nLABEL four=\"v w\"\n"
      "ENV five='a b'c\\ d\n");
  EXPECT_EQ(Proved().size(), 5U);
}

TEST_F(FixTest, ProvesEmptyLinesPortsAndPlatforms) {
  EXPECT_EQ(Fixed("FROM --platform=$TARGETPLATFORM busybox:1\nRUN a && \\\n\n  b \\\n   \n  c\r\nEXPOSE 80/TCP 8080:81"
                  "\n"),
            "FROM busybox:1\nRUN a && \\\n  b \\\n  c\r\nEXPOSE 80/tcp 81\n");
}

TEST_F(FixTest, RefusesWhatChangesTheBuild) {
  const std::string text = "FROM busybox:1\nMAINTAINER me <me@x.org>\nADD a /b\nCMD run it\n";
  EXPECT_EQ(Fixed(text), text);
  ASSERT_EQ(reports_.size(), 3U);
  for (const FixReport& report : reports_) {
    EXPECT_FALSE(report.applied);
    EXPECT_FALSE(report.changes.empty());
  }
  EXPECT_THAT(reports_[0].changes, Contains(HasSubstr("author is gone")));
  EXPECT_EQ(
      Fixed(text, true),
      "FROM busybox:1\nLABEL org.opencontainers.image.authors=\"me <me@x.org>\"\nCOPY a /b\nCMD [\"run\", \"it\"]\n");
  ASSERT_EQ(reports_.size(), 3U);
  EXPECT_TRUE(reports_[0].applied);
  EXPECT_THAT(reports_[0].changes, Contains(HasSubstr("config.Labels becomes")));
}

TEST_F(FixTest, LeavesTriggersAlone) {
  const std::string text = "FROM busybox:1\nONBUILD ENV a b\n";
  EXPECT_EQ(Fixed(text), text);
}

TEST_F(FixTest, InsertsOptionsOnlyIfTheBuildMayChange) {
  const std::string text = "FROM busybox:1\nRUN apk add x=1 && pip install y==1\n";
  EXPECT_EQ(Fixed(text), text);
  EXPECT_EQ(Fixed(text, true), "FROM busybox:1\nRUN apk add --no-cache x=1 && pip install --no-cache-dir y==1\n");
}

TEST_F(FixTest, ProvesEveryStage) {
  // Not the last stage and not needed by it.
  EXPECT_EQ(Fixed("FROM busybox:1 AS a\nENV x 1\nFROM busybox:1\n"), "FROM busybox:1 AS a\nENV x=1\nFROM busybox:1\n");
  EXPECT_THAT(Proved(), ElementsAre("LegacyKeyValueFormat 2"));
  EXPECT_LE(host_.resolved, 2 * 2);
}

TEST_F(FixTest, NeedsAFileThatCompiles) {
  const auto outcome = Try("FROM busybox:1 as x\nCOPY a\n");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_THAT(outcome.error().message(), HasSubstr("line 2"));
}

TEST_F(FixTest, KeepsEveryOtherByte) {
  EXPECT_EQ(Fixed("\xEF\xBB\xBF# c\r\nFROM busybox:1 as b\r\n\r\n\tENV  x  1 \r\n# end"),
            "\xEF\xBB\xBF# c\r\nFROM busybox:1 AS b\r\n\r\n\tENV  x=1 \r\n# end");
}

class SarifTest : public FixTest {
 protected:
  nlohmann::json Sarif(const std::string& text) {
    options_.lint = true;
    source::SourceManager sources;
    diag::CollectingConsumer diagnostics;
    diag::Emitter emitter(diagnostics);
    const source::Buffer* buffer = sources.AddText("dir/Docker file", text).value();
    const auto result = Compile(sources, *buffer, options_, host_, emitter);
    return nlohmann::json::parse(CheckSarif({result->warnings, diagnostics.diagnostics(), *buffer}, "1.2.3"));
  }
};

// What the schema of SARIF 2.1.0 requires of the parts that are written here.
TEST_F(SarifTest, HasTheFormOfTheStandard) {
  const auto json = Sarif("FROM busybox as b\nENV a \xC3\xA4 b\nRUN sudo x\nCMD a b\nEXPOSE 99999\n");
  EXPECT_EQ(json.at("version"), "2.1.0");
  EXPECT_TRUE(json.at("$schema").is_string());
  ASSERT_EQ(json.at("runs").size(), 1U);
  const auto& run = json["runs"][0];
  const auto& driver = run.at("tool").at("driver");
  EXPECT_EQ(driver.at("name"), "loam");
  EXPECT_EQ(driver.at("semanticVersion"), "1.2.3");
  EXPECT_EQ(run.at("artifacts").at(0).at("location").at("uri"), "dir/Docker%20file");
  std::vector<std::string> rules;
  for (const auto& rule : driver.at("rules")) {
    rules.push_back(rule.at("id"));
    EXPECT_TRUE(rule.at("shortDescription").at("text").is_string());
    EXPECT_THAT(std::vector<std::string>({"error", "warning", "note"}),
                Contains(rule.at("defaultConfiguration").at("level").get<std::string>()));
  }
  ASSERT_FALSE(run.at("results").empty());
  bool has_fix = false;
  for (const auto& result : run["results"]) {
    EXPECT_EQ(rules.at(result.at("ruleIndex").get<std::size_t>()), result.at("ruleId"));
    EXPECT_FALSE(result.at("message").at("text").get<std::string>().empty());
    for (const auto& location : result.at("locations")) {
      const auto& place = location.at("physicalLocation");
      EXPECT_EQ(place.at("artifactLocation").at("index"), 0);
      if (place.contains("region")) {
        EXPECT_GE(place["region"].at("startLine").get<int>(), 1);
      }
    }
    for (const auto& fix : result.value("fixes", nlohmann::json::array())) {
      has_fix = true;
      ASSERT_FALSE(fix.at("artifactChanges").empty());
      for (const auto& change : fix["artifactChanges"]) {
        EXPECT_TRUE(change.at("artifactLocation").contains("uri"));
        ASSERT_FALSE(change.at("replacements").empty());
        EXPECT_TRUE(change["replacements"][0].at("deletedRegion").contains("startColumn"));
      }
    }
  }
  EXPECT_TRUE(has_fix);
  EXPECT_THAT(rules, Contains("DL3004"));
  EXPECT_THAT(rules, Contains("FromAsCasing"));
  // The error is there, too.
  EXPECT_EQ(run["results"].back().at("level"), "error");
}

TEST_F(SarifTest, IsEmptyWhereNothingIsFound) {
  const auto json = Sarif("FROM busybox:1\n");
  EXPECT_TRUE(json["runs"][0].at("results").is_array());
  EXPECT_THAT(json["runs"][0]["results"], IsEmpty());
  EXPECT_TRUE(json["runs"][0].at("tool").at("driver").at("rules").is_array());
}

}  // namespace
}  // namespace loam::driver
