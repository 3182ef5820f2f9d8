#include "compiler/parse/earthfile.h"

#include <string>

#include <gtest/gtest.h>

namespace loam::parse {
namespace {

using syntax::earthfile::NodeKind;
using syntax::earthfile::TokenKind;

constexpr std::string_view kSample =
    "VERSION 0.8\nFROM a:1\n# docs\nbuild:\n  ARG x = \"y z\"  w\n  IF [ \"$x\" ] # why\n    RUN a \\\n # no\n b\n"
    "  ELSE\n    WAIT\n      BUILD +c\n    END\n  END\n  WITH DOCKER --load a=+b\n  END\n  RUN [\"a\", \"b\"]\n"
    "FUN:\n  FUNCTION\n  LABEL a=b c='d e'\n";

struct Parsed {
  source::SourceManager sources;
  const source::Buffer* buffer;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter{consumer};
  std::shared_ptr<syntax::earthfile::Tree> tree;

  explicit Parsed(std::string text)
      : buffer(*sources.AddText("Earthfile", std::move(text))), tree(ParseEarthfile(*buffer, emitter)) {}
};

void ExpectLossless(const std::string& text) {
  const Parsed parsed(text);
  EXPECT_EQ(PrintSource(*parsed.tree), text);
  ASSERT_FALSE(parsed.tree->nodes.empty());
  EXPECT_EQ(parsed.tree->nodes.front().kind, NodeKind::kFile);
  EXPECT_EQ(parsed.tree->nodes.front().end_token, parsed.tree->tokens.size());
}

TEST(ParseEarthfile, ValidTextHasNoDiagnostics) {
  const Parsed parsed{std::string(kSample)};
  EXPECT_TRUE(parsed.consumer.diagnostics().empty()) << parsed.consumer.diagnostics().front().message;
}

TEST(ParseEarthfile, EveryPrefixAndEveryMissingPieceGivesALosslessTree) {
  for (std::size_t size = 0; size <= kSample.size(); ++size) {
    ExpectLossless(std::string(kSample.substr(0, size)));
    ExpectLossless(std::string(kSample.substr(size)));
    if (size + 2 < kSample.size()) {
      ExpectLossless(std::string(kSample).erase(size, 2));
    }
  }
}

TEST(ParseEarthfile, IndentAndDedentAlternate) {
  const Parsed parsed{std::string(kSample)};
  int level = 0;
  int recipes = 0;
  for (const auto& token : parsed.tree->tokens) {
    if (token.kind == TokenKind::kIndent) {
      EXPECT_EQ(level++, 0);
      ++recipes;
    } else if (token.kind == TokenKind::kDedent) {
      EXPECT_EQ(level--, 1);
    }
  }
  EXPECT_EQ(level, 0);
  EXPECT_EQ(recipes, 2);
}

TEST(ParseEarthfile, ReportsSeveralMistakesAtOnce) {
  const Parsed parsed("FROM a\nb:\n  COYP x\n  IF\n  END\n  SET a\n  RUN ok\nc:\n  FOR x IN y\n");
  std::string messages;
  for (const auto& diagnostic : parsed.consumer.diagnostics()) {
    messages += diagnostic.message + "\n";
  }
  EXPECT_EQ(messages,
            "unknown command `COYP`\n`IF` needs a condition\n`SET` needs `=` and a value\n`FOR` is not closed by "
            "`END`\n");
}

TEST(ParseEarthfile, DeepNestingIsAMistakeAndNotACrash) {
  std::string text = "a:\n";
  for (int i = 0; i < 100'000; ++i) {
    text += "  IF x\n";
  }
  const Parsed parsed(text);
  EXPECT_TRUE(parsed.emitter.has_errors());
  EXPECT_EQ(PrintSource(*parsed.tree), text);
}

TEST(ParseEarthfile, KeywordsNeedNoBlankBehindThem) {
  const Parsed parsed("FROMa\nx:\n  RUNmake\n");
  EXPECT_FALSE(parsed.emitter.has_errors());
}

}  // namespace
}  // namespace loam::parse
