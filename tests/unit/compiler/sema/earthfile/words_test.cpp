#include "compiler/sema/earthfile/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::sema::earthfile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::vector<std::string> Rejoin(const std::vector<std::string>& texts) {
  std::vector<Word> words;
  std::uint32_t at = 0;
  for (const std::string& text : texts) {
    words.push_back({text, {source::FileId{1}, at, at + 1}});
    at += 10;
  }
  return TextsOf(RejoinWords(words));
}

TEST(EarthWords, QuotesAndParenthesesJoinWords) {
  EXPECT_THAT(Rejoin({"a", "b"}), ElementsAre("a", "b"));
  EXPECT_THAT(Rejoin({"--load=(+t", "--a=b", "--c", "d)", "x"}), ElementsAre("--load=(+t --a=b --c d)", "x"));
  EXPECT_THAT(Rejoin({"let's", "go"}), ElementsAre("let's go"));
  EXPECT_THAT(Rejoin({"\"(a(\"", "b)"}), ElementsAre("\"(a(\"", "b)"));
  EXPECT_THAT(Rejoin({"(a(", "b)", "c)"}), ElementsAre("(a( b)", "c)"));
  EXPECT_THAT(Rejoin({""}), ElementsAre(""));
  EXPECT_THAT(Rejoin({}), ElementsAre());
}

TEST(EarthWords, JoinedRangesCoverAll) {
  const source::FileId file{1};
  const std::vector<Word> words = {{"\"a", {file, 3, 5}}, {"b\"", {file, 8, 10}}};
  const auto joined = RejoinWords(words);
  ASSERT_EQ(joined.size(), 1U);
  EXPECT_EQ(joined[0].range, (source::SourceRange{file, 3, 10}));
}

TEST(EarthWords, Parentheses) {
  EXPECT_TRUE(IsInParentheses("(+t/x --a=b)"));
  EXPECT_TRUE(IsInParentheses("\"(+t)\""));
  EXPECT_FALSE(IsInParentheses("(+t"));
  EXPECT_FALSE(IsInParentheses("("));
  EXPECT_THAT(*SplitParentheses("(+t/x  --a=b\t--c \"d e\")"), ElementsAre("+t/x", "--a=b", "--c", "\"d e\""));
  EXPECT_THAT(*SplitParentheses("\"(+t a\\ b \\\"c)\""), ElementsAre("+t", "a\\ b", "\\\"c"));
  EXPECT_THAT(SplitParentheses("()").error().message(), HasSubstr("nothing in the parentheses"));
  EXPECT_THAT(SplitParentheses("(a \"b)").error().message(), HasSubstr("not closed"));
  EXPECT_THAT(SplitParentheses("(a\\)").error().message(), HasSubstr("backslash"));
}

TEST(EarthWords, Loads) {
  const auto plain = ParseLoadWord("+t");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->image, "");
  EXPECT_EQ(plain->target, "+t");
  const auto named = ParseLoadWord("img:tag=(+t --a=b --c d)");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->image, "img:tag");
  EXPECT_EQ(named->target, "+t");
  EXPECT_THAT(named->args, ElementsAre("--a=b", "--c", "d"));
  const auto unnamed = ParseLoadWord("(+t --a=b)");
  ASSERT_TRUE(unnamed);
  EXPECT_EQ(unnamed->image, "");
  EXPECT_THAT(unnamed->args, ElementsAre("--a=b"));
  EXPECT_FALSE(ParseLoadWord("x=()"));
}

TEST(EarthWords, KeysAndValues) {
  EXPECT_EQ(ParseKeyValue("a=b=c").key, "a");
  EXPECT_EQ(ParseKeyValue("a=b=c").value, "b=c");
  EXPECT_EQ(ParseKeyValue("a").value, std::nullopt);
  EXPECT_EQ(ParseKeyValue("a=").value, "");
  EXPECT_EQ(ParseKeyValue("a\\=b=c\\=").key, "a=b");
  EXPECT_EQ(ParseKeyValue("a\\=b=c\\=").value, "c\\=");
}

TEST(EarthWords, ReferenceArgs) {
  const std::vector<std::string> words = {"--a=1", "--b", "--c=2", "--a", "x y", "--d=", "-e=5", "-f", "6"};
  EXPECT_THAT(*ParseReferenceArgs(words), ElementsAre(Pair("a", "1"), Pair("b", "--c=2"), Pair("a", "x y"),
                                                      Pair("d", ""), Pair("e", "5"), Pair("f", "6")));
  const auto message = [](std::vector<std::string> bad) { return ParseReferenceArgs(bad).error().message(); };
  EXPECT_THAT(message({"--a"}), HasSubstr("has no value"));
  EXPECT_THAT(message({"---a=1"}), HasSubstr("too many dashes, did you mean `--a=1`"));
  EXPECT_THAT(message({"a"}), HasSubstr("no arg"));
}

TEST(EarthWords, MatrixIsTheCrossProduct) {
  const std::vector<KeyValue> args = {{"a", "1"}, {"b", "x"}, {"a", "2"}, {"b", "y"}};
  const auto matrix = ExpandMatrix(args);
  std::vector<std::string> flat;
  for (const auto& row : matrix) {
    std::string text;
    for (const auto& arg : row) {
      text += arg.key + arg.value.value_or("?");
    }
    flat.push_back(text);
  }
  EXPECT_THAT(flat, ElementsAre("a1bx", "a1by", "a2bx", "a2by"));
  EXPECT_EQ(ExpandMatrix({}).size(), 1U);
}

}  // namespace
}  // namespace loam::sema::earthfile
