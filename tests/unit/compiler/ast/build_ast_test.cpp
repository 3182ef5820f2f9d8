#include "compiler/ast/dockerfile/build_ast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/ast/dockerfile/heredoc.h"
#include "compiler/ast/dockerfile/print.h"
#include "tests/unit/compiler/ast/parsed.h"

namespace loam::ast {
namespace {

std::vector<std::string> TextsOf(List<Text> texts) {
  std::vector<std::string> out;
  for (const Text& text : texts) {
    out.emplace_back(text.text);
  }
  return out;
}

TEST(BuildAst, StagesHoldWhatFollowsTheirFrom) {
  const Parsed parsed("ARG v=1\nFROM a AS One\nRUN x\nFROM one\n");
  ASSERT_EQ(parsed.dockerfile.stages.size(), 2U);
  EXPECT_EQ(parsed.dockerfile.global_args.size(), 1U);
  EXPECT_EQ(parsed.dockerfile.stages[0].from->stage_id, "one");
  EXPECT_EQ(parsed.dockerfile.stages[0].from->stage_name.text, "One");
  EXPECT_EQ(parsed.dockerfile.stages[0].instructions.size(), 1U);
  EXPECT_TRUE(parsed.dockerfile.stages[1].instructions.empty());
}

TEST(BuildAst, CommentsReachTheNextInstruction) {
  const Parsed parsed("# syntax=x\n# one\n#\n# two\n\n  # three\nFROM a\n# x\nRUN y \\\n # z\n  w\n");
  EXPECT_THAT(TextsOf(parsed.dockerfile.instructions[0]->comments), testing::ElementsAre("two", "# three"));
  EXPECT_THAT(TextsOf(parsed.dockerfile.instructions[1]->comments), testing::ElementsAre("x"));
}

TEST(BuildAst, DocCommentsStartWithTheName) {
  const Parsed parsed(
      "# base is it\n# version the other\nARG base version=2\n# Build no\n# build yes\nFROM a AS Build\n");
  EXPECT_EQ(parsed.Get<Arg>(0).items[0].doc_comment, "is it");
  EXPECT_EQ(parsed.Get<Arg>(0).items[1].doc_comment, "the other");
  EXPECT_EQ(parsed.Get<From>(1).doc_comment, "yes");
}

TEST(BuildAst, OriginalIsTheLogicalLine) {
  const Parsed parsed("FROM a\n  RUN x \\\n # c\n   y  \nRUN <<E\nbody\nE\n");
  EXPECT_EQ(parsed.dockerfile.instructions[1]->original, "RUN x    y  ");
  EXPECT_EQ(parsed.dockerfile.instructions[1]->code(), "RUN x    y");
  EXPECT_EQ(parsed.dockerfile.instructions[2]->code(), "RUN <<E");
  EXPECT_EQ(parsed.dockerfile.instructions[2]->lines, (LineSpan{5, 7}));
  EXPECT_EQ(parsed.dockerfile.instructions[2]->last_header_line, 5U);
}

TEST(BuildAst, RangesAreThoseOfTheSource) {
  const Parsed parsed("FROM a\nCOPY --from=b \\\n c \\\n /d\nENV x=\"1 \\\n2\"\n");
  const auto& copy = parsed.Get<Copy>(1);
  const auto source = [&](SourceRange range) { return parsed.buffer->TextOf(range); };
  EXPECT_EQ(source(copy.range), "COPY --from=b \\\n c \\\n /d");
  EXPECT_EQ(source(copy.flags[0].name.range), "from");
  EXPECT_EQ(source(copy.from.range), "b");
  EXPECT_EQ(source(copy.sources[0].path.range), "c");
  EXPECT_EQ(source(copy.destination.range), "/d");
  const auto& env = parsed.Get<Env>(2);
  EXPECT_EQ(source(env.pairs[0].key.range), "x");
  EXPECT_EQ(source(env.pairs[0].value.range), "\"1 \\\n2\"");
  EXPECT_EQ(env.pairs[0].value.text, "\"1 2\"");
}

TEST(BuildAst, HeredocsOfOneNameShareTheLastContent) {
  const Parsed parsed("FROM a\nCOPY <<A <<-A /d\none\nA\n\ttwo\n\tA\n");
  const auto& copy = parsed.Get<Copy>(1);
  ASSERT_EQ(copy.sources.size(), 2U);
  EXPECT_EQ(copy.sources[0].heredoc->content, "\ttwo\n");
  EXPECT_FALSE(copy.sources[0].heredoc->chomp);
  EXPECT_TRUE(copy.sources[1].heredoc->chomp);
}

TEST(BuildAst, OnbuildKeepsTheTextAndTheTree) {
  const Parsed parsed("FROM a\nOnBuild  RUN <<E\nx\nE\n");
  const auto& onbuild = parsed.Get<Onbuild>(1);
  EXPECT_EQ(onbuild.expression, "RUN <<E\nx\nE");
  const auto* run = As<ast::Run>(onbuild.trigger);
  ASSERT_NE(run, nullptr);
  ASSERT_NE(run->script, nullptr);
  EXPECT_EQ(run->script->content, "x\n");
  EXPECT_EQ(run->original, "RUN <<E");
}

TEST(BuildAst, TriggerThatWillFailIsOnlyAWarning) {
  const Parsed parsed("FROM a\nONBUILD COPY x\nONBUILD HEALTHCHECK NONE x\nONBUILD RUN --x y\nONBUILD FOO\n");
  EXPECT_EQ(parsed.emitter.error_count(), 0U);
  EXPECT_EQ(parsed.emitter.warning_count(), 4U);
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_FALSE(parsed.Get<Onbuild>(i).invalid);
    EXPECT_TRUE(parsed.Get<Onbuild>(i).trigger->invalid);
  }
  EXPECT_EQ(parsed.Get<Onbuild>(1).expression, "COPY x");
}

TEST(BuildAst, TriggerOfAnImageNeedsNoFrom) {
  EXPECT_EQ(Parsed("COPY a b", {.trigger = true}).emitter.error_count(), 0U);
  EXPECT_EQ(Parsed("COPY a b").emitter.error_count(), 1U);
}

TEST(BuildAst, DidYouMean) {
  const auto hint = [](std::string text) {
    const Parsed parsed(std::move(text));
    EXPECT_EQ(parsed.consumer.diagnostics().size(), 1U);
    const auto& diagnostic = parsed.consumer.diagnostics()[0];
    return diagnostic.hints.empty() ? "" : diagnostic.hints[0];
  };
  EXPECT_EQ(hint("FROM a\nRNU x"), "did you mean `RUN`?");
  EXPECT_EQ(hint("FROM a\nENTRYPIONT x"), "did you mean `ENTRYPOINT`?");
  EXPECT_EQ(hint("FROM a\nRUN --mout=x y"), "did you mean `--mount`?");
  EXPECT_EQ(hint("FROM a\nRUN --network=nonw y"), "did you mean `none`?");
  EXPECT_EQ(hint("FROM a\nXYZZY x"), "");
}

TEST(BuildAst, BothPrintersTakeAnyTree) {
  const Parsed parsed("# escape=`\nFROM\nRUN \xff\nONBUILD\nCOPY <<E x\n");
  EXPECT_FALSE(PrintText(parsed.dockerfile, *parsed.buffer).empty());
  EXPECT_FALSE(PrintJson(parsed.dockerfile, *parsed.buffer).empty());
}

TEST(ChompHeredoc, TakesTabsAtLineStarts) {
  EXPECT_EQ(ChompHeredoc("\t\ta\tb\n \tc\n\n\td"), "a\tb\n \tc\n\nd");
  EXPECT_EQ(ChompHeredoc(""), "");
}

}  // namespace
}  // namespace loam::ast
