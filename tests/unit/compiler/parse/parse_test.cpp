#include "compiler/parse/parse.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

namespace loam::parse {
namespace {

struct Parsed {
  source::SourceManager sources;
  const source::Buffer* buffer;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter{consumer};
  std::shared_ptr<syntax::Tree> tree;

  explicit Parsed(std::string text)
      : buffer(*sources.AddText("Dockerfile", std::move(text))), tree(ParseDockerfile(*buffer, emitter).tree) {}
};

// What must hold of every tree, whatever the text.
void CheckTree(const Parsed& parsed) {
  const syntax::Tree& tree = *parsed.tree;
  ASSERT_EQ(syntax::PrintSource(tree), parsed.buffer->text());
  std::uint32_t at = 0;
  for (const syntax::Token& token : tree.tokens) {
    ASSERT_EQ(token.begin, at);
    ASSERT_GE(token.end, token.begin);
    at = token.end;
  }
  ASSERT_EQ(at, parsed.buffer->text().size());
  ASSERT_FALSE(tree.nodes.empty());
  std::size_t instructions = 0;
  for (std::uint32_t i = 0; i < tree.nodes.size(); ++i) {
    const syntax::Node& node = tree.nodes[i];
    ASSERT_LE(node.first_token, node.end_token);
    ASSERT_LE(node.end_token, tree.tokens.size());
    ASSERT_GT(node.end_node, i);
    ASSERT_LE(node.end_node, tree.nodes.size());
    for (std::uint32_t child = i + 1; child < node.end_node; child = tree.nodes[child].end_node) {
      ASSERT_GE(tree.nodes[child].first_token, node.first_token);
      ASSERT_LE(tree.nodes[child].end_token, node.end_token);
    }
    instructions += node.kind == syntax::NodeKind::kInstruction ? 1 : 0;
  }
  ASSERT_EQ(instructions, tree.logical_lines.size());
}

TEST(Parse, TreeIsLosslessForMalformedText) {
  // Pieces that mean something, joined at random.
  const std::vector<std::string> pieces = {"FROM ",    "RUN ",     "copy ",
                                           "ENV ",     "ONBUILD ", "HEALTHCHECK ",
                                           "CMD ",     "NONE",     "[",
                                           "]",        "\"a\"",    ",",
                                           "1",        "--x",      "--mount=a",
                                           "--",       "<<EOF",    "<<-\"E F\"",
                                           "EOF",      "\n",       "\r\n",
                                           "\\\n",     "\\ \r\n",  "\\",
                                           "`",        "#",        "# escape=`\n",
                                           " ",        "\t",       "a=b",
                                           "a",        "=",        "'",
                                           "\"",       "${a:-",    "}",
                                           "$",        "AS ",      "\xEF\xBB\xBF",
                                           "\xC2\xA0", "\xFF",     std::string(1, '\0'),
                                           "\v",       "\f",       "\r"};
  std::mt19937 random(20240611);
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    for (std::size_t i = random() % 40; i > 0; --i) {
      text += pieces[random() % pieces.size()];
    }
    SCOPED_TRACE(testing::PrintToString(text));
    CheckTree(Parsed(text));
    if (testing::Test::HasFatalFailure()) {
      return;
    }
  }
}

TEST(Parse, EveryPrefixAndEveryMutationOfAFileHasATree) {
  const std::filesystem::path directory = std::filesystem::path(LOAM_SOURCE_DIR) / "tests/golden/parse";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".Dockerfile") {
      continue;
    }
    ++files;
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream stream;
    stream << in.rdbuf();
    const std::string text = stream.str();
    SCOPED_TRACE(entry.path().string());
    for (std::size_t i = 0; i <= text.size(); ++i) {
      CheckTree(Parsed(text.substr(0, i)));
      std::string without = text;
      without.erase(i, 1);
      CheckTree(Parsed(without));
      if (testing::Test::HasFatalFailure()) {
        return;
      }
    }
  }
  EXPECT_GT(files, 5);
}

TEST(Parse, ReportsAllErrorsAndGoesOn) {
  const Parsed parsed("FROM\nCOPY a\nRUN ok\nENV A\nUSER\nRUN fine\n");
  EXPECT_EQ(parsed.consumer.diagnostics().size(), 4U);
  std::size_t fine = 0;
  for (const syntax::Node& node : parsed.tree->nodes) {
    fine += node.kind == syntax::NodeKind::kInstruction && !node.has_error ? 1 : 0;
  }
  EXPECT_EQ(fine, 2U);
}

TEST(Parse, LinesAreThoseOfBuildKit) {
  const Parsed parsed("# c\n\\\n  FROM a\n\nRUN a \\\n\n # x\n b <<E\nbody\nE\nCMD x \\\n");
  const auto& lines = parsed.tree->logical_lines;
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].lines, (source::LineSpan{2, 3}));
  EXPECT_EQ(lines[0].text, "  FROM a");
  EXPECT_EQ(lines[1].lines, (source::LineSpan{5, 10}));
  EXPECT_EQ(lines[1].last_header_line, 8U);
  EXPECT_TRUE(lines[1].has_empty_continuation);
  EXPECT_EQ(lines[1].text, "RUN a  b <<E");
  EXPECT_EQ(lines[2].lines, (source::LineSpan{11, 11}));
}

TEST(Parse, LineLengthIsLimitedAsInBuildKit) {
  EXPECT_TRUE(Parsed("FROM a\nRUN " + std::string(kMaxLineBytes - 4, 'x') + "\n").consumer.diagnostics().empty());
  const Parsed parsed("FROM a\nRUN " + std::string(kMaxLineBytes - 3, 'x') + "\nRUN ok\n");
  ASSERT_EQ(parsed.consumer.diagnostics().size(), 1U);
  EXPECT_EQ(parsed.consumer.diagnostics()[0].kind, diag::Kind::kLineTooLong);
}

// Work must grow with the text, not with its square: each of these would take minutes otherwise.
TEST(Parse, LargeAndHostileInputsAreLinear) {
  const auto repeat = [](std::string_view piece, std::size_t times) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i) {
      text += piece;
    }
    return text;
  };
  const std::vector<std::string> texts = {
      "FROM a\n" + repeat("RUN echo hello world\n", 100'000),
      "FROM a\n" + repeat("BAD\n", 100'000),
      "FROM a\n" + repeat("COPY\n", 100'000),
      "FROM a\nRUN x \\\n" + repeat("  && y \\\n", 100'000) + " z\n",
      "FROM a\nRUN x \\\n" + repeat("# comment\n", 100'000) + " z\n",
      "FROM a\nENV " + repeat("\\\na=1 ", 100'000) + "\n",
      "FROM a\nCOPY " + repeat("\\\n--exclude=a ", 50'000) + " a b\n",
      "FROM a\nRUN " + repeat("<<A ", 2'000) + "\n" + repeat("A\n", 2'000),
      "FROM a\nRUN " + repeat("${a:-", 10'000) + "<<A\nA\n",
      "FROM a\nCMD " + repeat("[\\\n", 100'000) + "\n",
      "FROM a\n" + repeat("\\ ", 30'000) + "\n",
      "FROM a\n" + repeat("#\n", 300'000),
      repeat("ONBUILD ", 8'000) + "\n",
      std::string(3'000'000, '\n'),
      std::string(3'000'000, '\\'),
      std::string(3'000'000, '\r'),
  };
  for (const std::string& text : texts) {
    SCOPED_TRACE(text.substr(0, 40));
    CheckTree(Parsed(text));
  }
}

}  // namespace
}  // namespace loam::parse
