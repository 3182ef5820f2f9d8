#include "compiler/format/earthfile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/format/format.h"

namespace loam::format {
namespace {

std::string Format(const std::string& text) {
  source::SourceManager sources;
  const auto buffer = sources.AddText("Earthfile", text);
  EXPECT_TRUE(buffer);
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const Result<std::string> formatted = FormatEarthfile(**buffer, emitter);
  return formatted ? *formatted : "error: " + formatted.error().message();
}

// Formatted, and formatted once more to the same.
void ExpectFormatted(const std::string& text, const std::string& expected) {
  EXPECT_EQ(Format(text), expected);
  EXPECT_EQ(Format(expected), expected) << "not idempotent";
}

// A target's header without a line end is not read; with one it would be.
TEST(FormatEarthfile, AnEndThatIsNotReadIsRefused) {
  EXPECT_EQ(Format("VERSION 0.8\na:\n  FROM b\n# lost\nc:"), "error: the end of `Earthfile` is not read");
}

TEST(FormatEarthfile, RecipesAndBlocksAreIndentedByFour) {
  ExpectFormatted(
      "VERSION 0.8\nFROM a\nt:\n\n  IF true\n   RUN a\n  ELSE IF b\n\tRUN b\n  ELSE\n\n   FOR x IN y\n     RUN c\n   "
      "END\n  "
      "END\n  WITH  DOCKER  --load=x\n  RUN d\n  END\n",
      "VERSION 0.8\nFROM a\n\nt:\n    IF true\n        RUN a\n    ELSE IF b\n        RUN b\n    ELSE\n        FOR x IN "
      "y\n"
      "            RUN c\n        END\n    END\n    WITH DOCKER --load=x\n        RUN d\n    END\n");
}

TEST(FormatEarthfile, OneBlankLineInFrontOfTargets) {
  ExpectFormatted(
      "VERSION 0.8\n\n\n\nFROM a\na:\n  RUN x\n# doc\n# of b\nb:\n  RUN y\n\n\n\nF:\n  FUNCTION\nc:\nd:\n",
      "VERSION 0.8\n\nFROM a\n\na:\n    RUN x\n\n# doc\n# of b\nb:\n    RUN y\n\nF:\n    FUNCTION\n\nc:\n\nd:\n");
}

TEST(FormatEarthfile, CommentsStayWhereTheyBelong) {
  ExpectFormatted(
      "VERSION 0.8\na:\n  FROM x\n  # end of a\n\n# about b\nb:\n  # first\n  FROM y  # trailing  \n# outdented\n  RUN "
      "z\n",
      "VERSION 0.8\n\na:\n    FROM x\n    # end of a\n\n# about b\nb:\n    # first\n    FROM y  # trailing\n    # "
      "outdented\n    RUN z\n");
}

TEST(FormatEarthfile, ContinuedLinesMoveTogether) {
  ExpectFormatted(
      "VERSION 0.8\nt:\n  FROM x\n  RUN if a; then \\\n      b; \\\n    else \\\n      # why\n\n      c;\\\n    fi\n",
      "VERSION 0.8\n\nt:\n    FROM x\n    RUN if a; then \\\n          b; \\\n        else \\\n          # why\n\n"
      "          c;\\\n        fi\n");
}

// What is left of a continuation that the file ends in.
TEST(FormatEarthfile, BlanksBehindTheLastBackslashIndentNothing) {
  ExpectFormatted("VERSION 0.8\nt:\n    DO +F \\\n        --a=b \\\n      ",
                  "VERSION 0.8\n\nt:\n    DO +F \\\n        --a=b \\\n");
}

TEST(FormatEarthfile, FlagsAndShellText) {
  ExpectFormatted(
      "VERSION  0.8\nt:\n FROM   --platform=linux/amd64   x\n RUN  --push   --ssh  a   &&   b\n COPY --dir  a   b  c\n",
      "VERSION 0.8\n\nt:\n    FROM --platform=linux/amd64 x\n    RUN --push --ssh a   &&   b\n    COPY --dir a   b "
      " c\n");
}

TEST(FormatEarthfile, ValuesStay) {
  ExpectFormatted("VERSION 0.8\nt:\n  FROM x\n  ARG  --required  a\n  LET b  =  1  2\n  ENV c=\"x \\\n y\"\n",
                  "VERSION 0.8\n\nt:\n    FROM x\n    ARG --required a\n    LET b  =  1  2\n    ENV c=\"x \\\n y\"\n");
}

TEST(FormatEarthfile, LineEndsAndTheEndOfTheFile) {
  ExpectFormatted("VERSION 0.8\r\nt:\r\n  FROM x\r\n\r\n\r\n", "VERSION 0.8\r\n\r\nt:\r\n    FROM x\r\n");
  ExpectFormatted("VERSION 0.8\nFROM a\nRUN b && \\\n", "VERSION 0.8\nFROM a\nRUN b && \\\n");
  ExpectFormatted("VERSION 0.8\nFROM a\nRUN b", "VERSION 0.8\nFROM a\nRUN b\n");
}

TEST(FormatEarthfile, MistakesAreNotFormatted) {
  EXPECT_THAT(Format("VERSION 0.8\nt:\n  IF x\n"), testing::StartsWith("error: "));
}

TEST(FormatRange, OnlyTheLinesOfTheRange) {
  source::SourceManager sources;
  const std::string text = "VERSION 0.8\nFROM a\n\nt:\n  RUN a\n    RUN b\n  RUN c\n";
  const source::Buffer& buffer = **sources.AddText("Earthfile", text);
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  const auto at = static_cast<std::uint32_t>(text.find("RUN c"));
  const auto edits = FormatRange(Language::kEarthfile, buffer, at, at + 1, emitter);
  ASSERT_TRUE(edits) << edits.error().message();
  ASSERT_EQ(edits->size(), 1U);
  EXPECT_EQ(buffer.TextOf(edits->front().range), "  RUN c\n");
  EXPECT_EQ(edits->front().replacement, "    RUN c\n");
  const auto none = FormatRange(Language::kEarthfile, buffer, 0, 1, emitter);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

}  // namespace
}  // namespace loam::format
