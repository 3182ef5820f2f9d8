#include "compiler/lint/shellcheck.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/process.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/fix.h"
#include "compiler/sema/unknown_build_host.h"
#include "tests/support/require.h"

namespace loam::lint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ShellCheckTest : public testing::Test {
 protected:
  // Answers with `reply` and keeps what it was asked.
  Result<std::vector<Warning>> Check(const std::string& text) {
    driver::CompileOptions options;
    options.stop_after = driver::StopAfter::kAst;
    options.more_checks.shellcheck = true;
    options.run_program = run_;
    diag::CollectingConsumer diagnostics;
    diag::Emitter emitter(diagnostics);
    sema::UnknownBuildHost host;
    buffer_ = sources_.AddText("Dockerfile", text).value();
    auto result = driver::Compile(sources_, *buffer_, options, host, emitter);
    if (!result) {
      return Unexpected(result.error());
    }
    return std::move(result->warnings);
  }
  std::string TextOf(const Warning& warning) { return std::string(buffer_->TextOf(warning.range)); }

  std::string reply_ = R"({"comments": []})";
  std::vector<std::string> asked_;
  std::vector<std::vector<std::string>> arguments_;
  RunProgram run_ = [this](const std::vector<std::string>& args, std::string_view input) -> Result<std::string> {
    asked_.emplace_back(input);
    arguments_.push_back(args);
    return reply_;
  };
  source::SourceManager sources_;
  const source::Buffer* buffer_ = nullptr;
};

TEST_F(ShellCheckTest, GivesEachScriptItsShellAndVariables) {
  ASSERT_TRUE(Check("FROM a\nARG one\nENV two=2\nRUN a \\\n  # no\n  b\nSHELL [\"/bin/bash\", \"-c\"]\nRUN c\n"
                    "RUN [\"d\"]\nSHELL [\"pwsh\"]\nRUN e\nSHELL [\"/bin/zsh\", \"-c\"]\nRUN f\n")
                  .has_value());
  ASSERT_EQ(asked_.size(), 2U);
  EXPECT_THAT(asked_[0], HasSubstr(" one=1"));
  EXPECT_THAT(asked_[0], HasSubstr(" two=1"));
  EXPECT_TRUE(asked_[0].ends_with("\na   b\n")) << asked_[0];
  EXPECT_THAT(arguments_[0], testing::Contains("--shell=sh"));
  EXPECT_THAT(arguments_[1], testing::Contains("--shell=bash"));
}

TEST_F(ShellCheckTest, MapsPlacesBack) {
  // Line 2 of what ShellCheck reads is the script: `echo   $x`, of which the columns 8 and 9 are the variable.
  reply_ = R"({"comments": [{"line": 2, "endLine": 2, "column": 8, "endColumn": 10, "level": "info", "code": 2086,
    "message": "quote it", "fix": {"replacements": [
      {"line": 2, "endLine": 2, "column": 8, "endColumn": 8, "replacement": "\""},
      {"line": 2, "endLine": 2, "column": 10, "endColumn": 10, "replacement": "\""}]}}]})";
  const std::string text = "FROM a\nRUN echo \\\n  # why\n  $x\n";
  const auto warnings = Check(text).value();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].rule->name, "SC2086");
  EXPECT_EQ(warnings[0].rule->url, "https://www.shellcheck.net/wiki/SC2086");
  EXPECT_EQ(warnings[0].rule->severity, Severity::kInfo);
  EXPECT_EQ(warnings[0].lines.first, 4U);
  EXPECT_EQ(TextOf(warnings[0]), "$x");
  ASSERT_EQ(warnings[0].fixes.size(), 1U);
  EXPECT_EQ(warnings[0].fixes[0].safety, FixSafety::kUnsafe);
  EXPECT_EQ(driver::ApplyEdits(text, warnings[0].fixes[0].edits), "FROM a\nRUN echo \\\n  # why\n  \"$x\"\n");
}

TEST_F(ShellCheckTest, CountsColumnsInCharacters) {
  reply_ = R"({"comments": [{"line": 2, "endLine": 2, "column": 8, "endColumn": 10, "level": "error", "code": 1,
    "message": "m"}]})";
  const auto warnings = Check("FROM a\nRUN echo \xC3\xA4 $x\n").value();
  EXPECT_EQ(TextOf(warnings[0]), "$x");
}

TEST_F(ShellCheckTest, ReadsHeredocs) {
  reply_ = R"({"comments": [{"line": 3, "endLine": 3, "column": 1, "endColumn": 3, "level": "style", "code": 1,
    "message": "m"}]})";
  const auto warnings = Check("FROM a\nRUN <<EOF\nset -e\n$x\nEOF\n").value();
  EXPECT_EQ(warnings[0].lines.first, 4U);
  EXPECT_EQ(TextOf(warnings[0]), "$x");
  reply_ = R"({"comments": []})";
  ASSERT_TRUE(Check("FROM a\nRUN cat <<EOF > x\nhi\nEOF\n").has_value());
  EXPECT_TRUE(asked_.back().ends_with("\ncat <<EOF > x\nhi\nEOF\n")) << asked_.back();
}

TEST_F(ShellCheckTest, ObeysPragmas) {
  reply_ = R"({"comments": [{"line": 2, "endLine": 2, "column": 1, "endColumn": 2, "level": "info", "code": 2086,
    "message": "m"}]})";
  EXPECT_THAT(Check("FROM a\n# hadolint ignore=SC2086\nRUN a\n").value(), IsEmpty());
  EXPECT_THAT(Check("# check=skip=SC2086\nFROM a\nRUN a\n").value(), IsEmpty());
  EXPECT_EQ(Check("FROM a\nRUN a\n")->size(), 1U);
}

TEST_F(ShellCheckTest, SaysWhatIsWrong) {
  run_ = [](const auto&, std::string_view) -> Result<std::string> {
    return Unexpected(ErrorCode::kNotFound, "the program `shellcheck` is not installed");
  };
  EXPECT_THAT(Check("FROM a\nRUN a\n").error().message(), HasSubstr("not installed"));
  for (const char* const reply : {"", "[]", "{\"comments\": [{\"line\": \"x\"}]}"}) {
    run_ = [reply](const auto&, std::string_view) -> Result<std::string> { return std::string(reply); };
    EXPECT_FALSE(Check("FROM a\nRUN a\n").has_value()) << reply;
  }
  EXPECT_EQ(RunInstalledProgram({"no-such-program-at-all"}, "").error().code(), ErrorCode::kNotFound);
}

TEST_F(ShellCheckTest, RunsTheRealOne) {
  if (!FindProgram("shellcheck")) {
    LOAM_TEST_SKIP("shellcheck is not installed");
  }
  run_ = RunInstalledProgram;
  const auto warnings = Check("FROM a\nRUN echo $one && \\\n  echo $two\n").value();
  std::vector<std::string> found;
  for (const Warning& warning : warnings) {
    if (warning.rule->name == "SC2086") {
      found.push_back(fmt::format("{} {}", warning.lines.first, TextOf(warning)));
    }
  }
  EXPECT_THAT(found, ElementsAre("2 $one", "3 $two"));
}

}  // namespace
}  // namespace loam::lint
