#include "compiler/ast/earthfile/build_ast.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "compiler/ast/earthfile/print.h"
#include "compiler/parse/earthfile.h"

namespace loam::ast::earthfile {
namespace {

using diag::Kind;

struct Built {
  source::SourceManager sources;
  const source::Buffer* buffer;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter{consumer};
  Earthfile file;

  explicit Built(std::string text)
      : buffer(*sources.AddText("Earthfile", std::move(text))),
        file(BuildEarthfile(parse::ParseEarthfile(*buffer, emitter), emitter)) {}

  [[nodiscard]] std::vector<std::string> Args(std::size_t statement) const {
    std::vector<std::string> out;
    for (const Word& word : file.base_recipe[statement].command->args) {
      out.emplace_back(word.text);
    }
    return out;
  }
  [[nodiscard]] std::string_view Source(SourceRange range) const { return buffer->TextOf(range); }
};

using Args = std::vector<std::string>;

TEST(BuildEarthfile, ReadsKeysAndValues) {
  const Built built(
      "ENV a=b  c\nENV k v  w\nENV n\nARG --required x\nARG y = z\nARG e=\nLET l = $(a \"b c\")\nSET l=1=2\n"
      "LABEL a=b c='d e'\n");
  ASSERT_FALSE(built.emitter.has_errors());
  EXPECT_EQ(built.Args(0), (Args{"a", "=", "b  c"}));
  EXPECT_EQ(built.Args(1), (Args{"k", "=", "vw"}));
  EXPECT_EQ(built.Args(2), (Args{"n"}));
  EXPECT_EQ(built.Args(3), (Args{"--required", "x"}));
  EXPECT_EQ(built.Args(4), (Args{"y", "=", "z"}));
  EXPECT_EQ(built.Args(5), (Args{"e"}));
  EXPECT_EQ(built.Args(6), (Args{"l", "=", "$(a \"b c\")"}));
  EXPECT_EQ(built.Args(7), (Args{"l", "=", "1=2"}));
  EXPECT_EQ(built.Args(8), (Args{"a", "=", "b", "c", "=", "'d e'"}));
  const Command& required = *built.file.base_recipe[3].command;
  ASSERT_EQ(required.flags.size(), 1U);
  ASSERT_EQ(required.pairs.size(), 1U);
  EXPECT_EQ(required.pairs[0].key.text, "x");
  EXPECT_FALSE(required.pairs[0].has_equals);
  EXPECT_TRUE(built.file.base_recipe[5].command->pairs[0].has_equals);
  EXPECT_EQ(built.file.base_recipe[8].command->pairs.size(), 2U);
  EXPECT_EQ(built.Source(built.file.base_recipe[4].command->pairs[0].value.range), "z");
}

TEST(BuildEarthfile, ExecFormsAreDecodedWithTheirPlaces) {
  const Built built("RUN [ \"a b\" , \"c\\u0041\" ]\nRUN [a]\nRUN [\"a\", 1]\nRUN null\nCOPY [\"a\"]\n");
  const Command& run = *built.file.base_recipe[0].command;
  EXPECT_TRUE(run.exec_mode);
  EXPECT_EQ(built.Args(0), (Args{"a b", "cA"}));
  EXPECT_EQ(built.Source(run.args[0].range), "\"a b\"");
  EXPECT_EQ(built.Source(run.args[1].range), "\"c\\u0041\"");
  EXPECT_FALSE(built.file.base_recipe[1].command->exec_mode);
  EXPECT_FALSE(built.file.base_recipe[2].command->exec_mode);
  EXPECT_TRUE(built.file.base_recipe[3].command->null_args);
  EXPECT_FALSE(built.file.base_recipe[4].command->exec_mode);
}

TEST(BuildEarthfile, BlocksKeepTheirClauses) {
  const Built built("IF a\n  RUN b\nELSE IF c\nELSE\n  RUN d\n  RUN e\nEND\nTRY\n  RUN f\nFINALLY\nEND\n");
  ASSERT_FALSE(built.emitter.has_errors());
  const If& branch = *built.file.base_recipe[0].if_;
  EXPECT_EQ(branch.condition.words.size(), 1U);
  EXPECT_EQ(branch.body.size(), 1U);
  ASSERT_EQ(branch.else_ifs.size(), 1U);
  EXPECT_TRUE(branch.else_ifs[0].body.empty());
  EXPECT_TRUE(branch.has_else);
  EXPECT_EQ(branch.else_body.size(), 2U);
  EXPECT_EQ(built.Source(branch.end), "END");
  EXPECT_TRUE(built.file.base_recipe[1].try_->has_finally);
  EXPECT_FALSE(built.file.base_recipe[1].try_->has_catch);
}

TEST(BuildEarthfile, DocsAreTheCommentsDirectlyAbove) {
  const Built built(
      "VERSION 0.8\n# not this\n\n# one\n#  two\na:\n    # what x is\n    ARG x\n# at the margin\n    RUN y\n\n# b's\n"
      "B:\n    FUNCTION\n");
  ASSERT_EQ(built.file.targets.size(), 1U);
  EXPECT_EQ(built.file.targets[0].docs, "one\n two\n");
  EXPECT_EQ(built.file.targets[0].recipe[0].command->docs, "what x is\n");
  EXPECT_EQ(built.file.targets[0].recipe[1].command->docs, "at the margin\n");
  ASSERT_NE(built.file.FindFunction("B"), nullptr);
  EXPECT_EQ(built.file.FindFunction("B")->docs, "b's\n");
  EXPECT_EQ(built.Source(built.file.targets[0].name_range), "a");
}

TEST(BuildEarthfile, FindsTheVersion) {
  const Built built("# c\nVERSION --try \\ # why\n   # more\n  0.8 # end\nFROM a\n");
  ASSERT_NE(built.file.version, nullptr);
  ASSERT_EQ(built.file.version->args.size(), 2U);
  EXPECT_EQ(built.file.version->args[1].text, "0.8");
  EXPECT_EQ(built.file.version->first_line, 2U);
  EXPECT_EQ(built.file.version->last_line, 4U);
  EXPECT_EQ(Built("FROM a\n").file.version, nullptr);
}

struct Mistake {
  Kind kind;
  std::string text;
  std::string marked;
};

TEST(EarthfileDiagnostics, EveryKindHasATextThatProducesIt) {
  std::string deep;
  for (int i = 0; i < 300; ++i) {
    deep += "IF a\n";
  }
  for (int i = 0; i < 300; ++i) {
    deep += "END\n";
  }
  const std::vector<Mistake> mistakes = {
      {Kind::kEarthUnknownCommand, "FRON a\n", "FRON"},
      {Kind::kEarthUnclosedQuote, "RUN 'a\n", "'"},
      {Kind::kEarthLoneBackslash, "RUN a \\", "\\"},
      {Kind::kEarthByteOrderMark, "\xEF\xBB\xBFRUN a", "\xEF\xBB\xBF"},
      {Kind::kEarthNesting, deep, "IF"},
      {Kind::kEarthLostText, "a:\n# b\nc:", "c:"},
      {Kind::kEarthUnexpected, "IF a\nEND b\n", "b"},
      {Kind::kEarthMissingArgument, "LET a\n", "a"},
      {Kind::kEarthBadName, "ARG $a\n", "$a"},
      {Kind::kEarthMissingEnd, "WAIT\n", "WAIT"},
      {Kind::kEarthMisplacedClause, "FOR a IN b\nELSE\nEND\n", "ELSE"},
      {Kind::kEarthNotIndented, "a:\nRUN b\n", "RUN"},
      {Kind::kEarthIndentedBase, "FROM a\n  RUN b\n", "RUN"},
      {Kind::kEarthIndentedHeader, "a:\n  b:\n", "b:"},
      {Kind::kEarthDuplicateTarget, "a:\na:\n", "a"},
      {Kind::kEarthReservedTarget, "base:\n", "base"},
      {Kind::kEarthMisplacedVersion, "FROM a\nVERSION 0.8\n", "VERSION"},
      {Kind::kEarthMissingVersionNumber, "VERSION # none\n", "VERSION"},
      {Kind::kEarthBadVersion, "VERSION 0.5\n", "0.5"},
      {Kind::kEarthMalformedVersion, "VERSION \\ 0.8\n", "0.8"},
      {Kind::kEarthGluedKeyword, "COPYY a b\n", "COPYY"},
      {Kind::kEarthMissingDocker, "WITH x\nEND\n", "x"},
  };
  std::set<Kind> seen;
  for (const Mistake& mistake : mistakes) {
    const Built built(mistake.text);
    bool found = false;
    for (const diag::Diagnostic& diagnostic : built.consumer.diagnostics()) {
      found = found || (diagnostic.kind == mistake.kind && built.Source(diagnostic.range) == mistake.marked);
    }
    EXPECT_TRUE(found) << diag::InfoOf(mistake.kind).code << " in " << mistake.text.substr(0, 60)
                       << (built.consumer.diagnostics().empty() ? std::string()
                                                                : built.consumer.diagnostics().front().message);
    seen.insert(mistake.kind);
  }
  for (std::size_t i = 0; i < diag::kKinds.size(); ++i) {
    // kEarthSyntax is for tokens that fit nowhere; the lexer makes none.
    if (diag::kKinds[i].code.starts_with("LE00") && static_cast<Kind>(i) != Kind::kEarthSyntax) {
      EXPECT_TRUE(seen.contains(static_cast<Kind>(i))) << diag::kKinds[i].code;
    }
  }
}

}  // namespace
}  // namespace loam::ast::earthfile
