#include "compiler/format/dockerfile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::format {
namespace {

std::string Format(const std::string& text) {
  source::SourceManager sources;
  const auto buffer = sources.AddText("Dockerfile", text);
  EXPECT_TRUE(buffer);
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const Result<std::string> formatted = FormatDockerfile(**buffer, emitter);
  return formatted ? *formatted : "error: " + formatted.error().message();
}

// Formatted, and formatted once more to the same.
void ExpectFormatted(const std::string& text, const std::string& expected) {
  EXPECT_EQ(Format(text), expected);
  EXPECT_EQ(Format(expected), expected) << "not idempotent";
}

TEST(FormatDockerfile, KeywordsAndBlanks) {
  ExpectFormatted("from   alpine  as  base\ncopy --from=x   a b\n\n\n\ncmd [\"x\"]",
                  "FROM alpine AS base\nCOPY --from=x a b\n\nCMD [\"x\"]\n");
}

TEST(FormatDockerfile, ArgumentsOverSeveralLines) {
  ExpectFormatted("FROM a\nENV A=1 \\\n  B=2   \\\n\n      C=3\n", "FROM a\nENV A=1 \\\n    B=2 \\\n    C=3\n");
}

TEST(FormatDockerfile, ShellTextStays) {
  const std::string text = "FROM a\nRUN  x &&   y  \\\n      && z\n";
  ExpectFormatted(text, "FROM a\nRUN x &&   y  \\\n      && z\n");
}

TEST(FormatDockerfile, CommentsStay) {
  ExpectFormatted("# top\n\nFROM a\n# one\nRUN a \\\n# inside\n  b\n",
                  "# top\n\nFROM a\n# one\nRUN a \\\n# inside\n  b\n");
}

TEST(FormatDockerfile, HeredocsStay) {
  const std::string text = "FROM a\nRUN <<EOF\n  from  x\n\n\n\n\nEOF\n";
  ExpectFormatted(text, text);
}

TEST(FormatDockerfile, LineEndsByteOrderMarkAndEscape) {
  ExpectFormatted(
      "\xEF\xBB\xBF"
      "from a\r\nrun b\r\n",
      "\xEF\xBB\xBF"
      "FROM a\r\nRUN b\r\n");
  ExpectFormatted("# escape=`\nfrom a\nenv A=1 `\n B=2\n", "# escape=`\nFROM a\nENV A=1 `\n    B=2\n");
}

TEST(FormatDockerfile, MistakesAreNotFormatted) {
  EXPECT_THAT(Format("FROM a\nRUN <<EOF\nx\n"), testing::StartsWith("error: "));
}

TEST(FormatDockerfile, Empty) {
  EXPECT_THAT(Format(""), testing::AnyOf("", testing::StartsWith("error: ")));
}

}  // namespace
}  // namespace loam::format
