#include "compiler/lint/hadolint/hadolint.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/file_system.h"
#include "base/strings.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/fix.h"
#include "compiler/lint/selection.h"
#include "compiler/sema/unknown_build_host.h"

namespace loam::lint {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class HadolintTest : public testing::Test {
 protected:
  std::vector<Warning> Warnings(const std::string& text) {
    driver::CompileOptions options;
    options.stop_after = driver::StopAfter::kAst;
    options.more_checks.hadolint = true;
    options.more_checks.hadolint_options = hadolint_;
    diag::CollectingConsumer diagnostics;
    diag::Emitter emitter(diagnostics);
    sema::UnknownBuildHost host;
    buffer_ = sources_.AddText("Dockerfile", text).value();
    return driver::Compile(sources_, *buffer_, options, host, emitter)->warnings;
  }
  // "DL3006 1"
  std::vector<std::string> Check(const std::string& text) {
    std::vector<std::string> out;
    for (const Warning& warning : Warnings(text)) {
      out.push_back(fmt::format("{} {}", warning.rule->name, warning.lines.first));
    }
    return out;
  }

  HadolintOptions hadolint_;
  source::SourceManager sources_;
  const source::Buffer* buffer_ = nullptr;
};

TEST_F(HadolintTest, SortsByLineAndRule) {
  EXPECT_THAT(Check("FROM debian\nRUN sudo apt install x | cat\nWORKDIR x\n"),
              ElementsAre("DL3006 1", "DL3004 2", "DL4006 2", "DL3000 3"));
}

TEST_F(HadolintTest, LooksIntoHeredocsExecFormsAndTriggers) {
  EXPECT_THAT(Check("FROM a:1\nRUN <<EOF\nset -e\nsudo x\nEOF\n"), ElementsAre("DL3004 2"));
  EXPECT_THAT(Check("FROM a:1\nRUN <<EOF\n#!/usr/bin/python3\nsudo x\nEOF\n"), IsEmpty());
  EXPECT_THAT(Check("FROM a:1\nRUN [\"sudo\", \"x\"]\n"), ElementsAre("DL3004 2"));
  EXPECT_THAT(Check("FROM a:1\nRUN [\"bash\", \"-c\", \"true && sudo x\"]\n"), ElementsAre("DL3004 2"));
  EXPECT_THAT(Check("FROM a:1\nONBUILD RUN sudo x\n"), ElementsAre("DL3004 2"));
  EXPECT_THAT(Check("FROM a:1\nRUN echo sudo x 'sudo y'\n"), IsEmpty());
}

TEST_F(HadolintTest, LeavesOtherShellsAlone) {
  EXPECT_THAT(Check("FROM a:1\nSHELL [\"C:\\\\x\\\\PowerShell.exe\"]\nRUN sudo x | y\n"), IsEmpty());
  EXPECT_THAT(Check("FROM a:1 AS b\nSHELL [\"pwsh\"]\nFROM b\nRUN sudo x\n"), IsEmpty());
  EXPECT_THAT(Check("FROM a:1\nSHELL [\"pwsh\"]\nFROM b:1\nRUN sudo x\n"), ElementsAre("DL3004 4"));
  EXPECT_THAT(Check("# hadolint shell=powershell\nFROM a:1\nRUN sudo x\n"), IsEmpty());
}

TEST_F(HadolintTest, ObeysPragmas) {
  EXPECT_THAT(Check("FROM a:1\n# hadolint ignore=DL3004\nRUN sudo x\nRUN sudo y && z\n"), ElementsAre("DL3004 4"));
  EXPECT_THAT(Check("FROM a:1\n# hadolint ignore=DL3004\n# why\nRUN sudo x\n"), IsEmpty());
  EXPECT_THAT(Check("FROM a:1\n# hadolint ignore=DL3004\n\nRUN sudo x\n"), ElementsAre("DL3004 4"));
  EXPECT_THAT(Check("# hadolint global ignore=DL3004,DL3006\nFROM a\nRUN sudo x\n"), IsEmpty());
  EXPECT_THAT(Check("FROM a:1\n# hadolint stage ignore=DL3004\nFROM b:1\nRUN sudo x\nFROM c:1\nRUN sudo y\n"),
              ElementsAre("DL3004 6"));
  EXPECT_THAT(Check("FROM a:1\n# hadolint ignore=Unknown,DL3004\nRUN sudo x\n"), ElementsAre("DL3004 3"));
  hadolint_.no_pragmas = true;
  EXPECT_THAT(Check("# hadolint global ignore=DL3006\nFROM a\n"), ElementsAre("DL3006 2"));
}

TEST_F(HadolintTest, ObeysCheckDirectives) {
  EXPECT_THAT(Check("# check=skip=DL3006\nFROM a\nRUN sudo x\n"), ElementsAre("DL3004 3"));
  EXPECT_THAT(Check("# check=skip=all\nFROM a\n"), IsEmpty());
  EXPECT_THAT(Check("FROM a:1\n# check=skip=DL3004\nRUN sudo x\nRUN sudo y && z\n"), ElementsAre("DL3004 4"));
}

TEST_F(HadolintTest, RunsWhatIsOffOnlyIfNamed) {
  EXPECT_THAT(Check("FROM a:1\n"), IsEmpty());
  hadolint_.enabled = {"DL3057"};
  EXPECT_THAT(Check("FROM a:1\n"), ElementsAre("DL3057 1"));
  hadolint_.enabled = {};
  hadolint_.only = {"DL3006"};
  EXPECT_THAT(Check("FROM a\nRUN sudo x\n"), ElementsAre("DL3006 1"));
}

TEST_F(HadolintTest, ChecksLabelsByTheSchema) {
  hadolint_.label_schema = {{"url", LabelType::kUrl}, {"license", LabelType::kSpdx}, {"time", LabelType::kRfc3339}};
  hadolint_.strict_labels = true;
  EXPECT_THAT(Check("FROM a:1\nLABEL url=https://x license=\"MIT OR (Apache-2.0 AND BSD-3-Clause)\"\n"
                    "LABEL time=2020-01-01T00:00:00Z\n"),
              IsEmpty());
  EXPECT_THAT(Check("FROM a:1\nLABEL url=x\nLABEL license=\"MIT OR\"\nLABEL time=2020-13-01T00:00:00Z\nLABEL more=1\n"),
              ElementsAre("DL3052 2", "DL3054 3", "DL3053 4", "DL3050 5"));
  EXPECT_THAT(Check("FROM a:1\nLABEL url=$URL license=MIT\n"), ElementsAre("DL3049 1"));
}

TEST_F(HadolintTest, SurvivesWrongFiles) {
  for (const char* const text :
       {"", "FROM", "RUN x", "FROM a:1\nCOPY x", "FROM a:1\nONBUILD", "FROM a:1\nENV", "FROM a:1\nEXPOSE",
        "FROM a:1\nHEALTHCHECK CMD", "FROM a:1\nUSER", "FROM a:1\nSHELL []", "FROM a:1\nADD [\"x\"]",
        "FROM a:1\nRUN --mount=type", "FROM a:1\nEXPOSE 99999999999999999999", "FROM a:1\nLABEL =x", "FROM $",
        "\xEF\xBB\xBF", "FROM a:1\nRUN <<A <<B\nx\nA\ny\nB\n"}) {
    hadolint_.enabled = {"all"};
    hadolint_.trusted_registries = {"x"};
    hadolint_.label_schema = {{"k", LabelType::kEmail}};
    Check(text);
  }
}

TEST_F(HadolintTest, PutsInsertionsWhereTheWordsAre) {
  const std::string text =
      "FROM a:1\nRUN apt-get update && \\\n  # why\n    apt-get \\\n    install --no-install-recommends x=1 \\\n"
      " && rm -rf /var/lib/apt/lists/*\n";
  const auto warnings = Warnings(text);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].rule->name, "DL3014");
  ASSERT_EQ(warnings[0].fixes.size(), 1U);
  EXPECT_EQ(warnings[0].fixes[0].safety, FixSafety::kUnsafe);
  EXPECT_THAT(driver::ApplyEdits(text, warnings[0].fixes[0].edits),
              HasSubstr("    install -y --no-install-recommends"));
  // Exec forms have no places.
  EXPECT_THAT(Warnings("FROM a:1\nRUN [\"apk\", \"add\", \"x=1\"]\n")[0].fixes, IsEmpty());
}

TEST(HadolintRules, EachHasAFileAndAPage) {
  for (const RuleInfo& rule : HadolintRules()) {
    const std::string name = ToLowerAscii(rule.name);
    const std::string page = ReadFile(fmt::format("{}/docs/checks/hadolint/{}.md", LOAM_SOURCE_DIR, name)).value_or("");
    EXPECT_TRUE(page.starts_with(fmt::format("# {}\n", rule.name))) << rule.name;
    EXPECT_TRUE(ReadFile(fmt::format("{}/compiler/lint/rules/hadolint/{}.cpp", LOAM_SOURCE_DIR, name)).has_value());
    EXPECT_FALSE(rule.description.ends_with('.'));
  }
}

TEST(Selection, KnowsSetsAndRules) {
  EXPECT_TRUE(ParseSelection({"hadolint,shellcheck"})->shellcheck);
  EXPECT_THAT(ParseSelection({"hadolint", "DL3057"})->hadolint_options.enabled, ElementsAre("DL3057"));
  EXPECT_THAT(ParseSelection({"DL3006,DL3007"})->hadolint_options.only, ElementsAre("DL3006", "DL3007"));
  EXPECT_FALSE(ParseSelection({"hadolnt"}).has_value());
  EXPECT_FALSE(ParseSelection({})->any());
}

}  // namespace
}  // namespace loam::lint
