#include "compiler/ast/earthfile/texts.h"

#include <gtest/gtest.h>

namespace loam::ast::earthfile {
namespace {

TEST(RemoveContinuations, RemovesBlanksAndCommentsWithThem) {
  EXPECT_EQ(RemoveContinuations("a\\\n   b"), "ab");
  EXPECT_EQ(RemoveContinuations("a\\ \t# why\r\n\n  # more\n \tb"), "ab");
  EXPECT_EQ(RemoveContinuations("a\\\\\nb"), "a\\b");
  EXPECT_EQ(RemoveContinuations("a\\ b"), "a\\ b");
  EXPECT_EQ(RemoveContinuations("a\\\rb"), "a\\\rb");
  EXPECT_EQ(RemoveContinuations("\\#"), "\\#");
}

TEST(ParseJsonWords, TakesArraysOfStringsAndNullsOnly) {
  const auto texts = [](std::string_view json) -> std::optional<std::vector<std::string>> {
    const auto words = ParseJsonWords(json);
    if (!words) {
      return std::nullopt;
    }
    std::vector<std::string> out;
    for (const auto& item : words->items) {
      out.push_back(item.text);
    }
    return out;
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(texts(R"(["a","b\n\u00e9\ud83d\ude00"])"), (Words{"a", "b\n\xC3\xA9\xF0\x9F\x98\x80"}));
  EXPECT_EQ(texts("[]"), Words{});
  EXPECT_EQ(texts(R"(["a",null])"), (Words{"a", ""}));
  EXPECT_EQ(texts(R"(["\ud800x"])"), (Words{"\xEF\xBF\xBDx"}));
  EXPECT_EQ(texts("[\"a\xFF\"]"), (Words{"a\xEF\xBF\xBD"}));
  EXPECT_EQ(texts("null"), Words{});
  EXPECT_TRUE(ParseJsonWords("null")->is_null);
  for (const char* bad : {"", "[", "[\"a\"", "[\"a\",]", "[1]", "[[\"a\"]]", "[\"a\"]x", "[\"\\x\"]", "[\"\n\"]",
                          "['a']", "[\"\\u12\"]", "nul", "{}"}) {
    EXPECT_EQ(texts(bad), std::nullopt) << bad;
  }
}

TEST(ParseJsonWords, KnowsWhereTheStringsAre) {
  const auto words = ParseJsonWords(R"(["a", "bc"])");
  ASSERT_TRUE(words && words->items.size() == 2);
  EXPECT_EQ(words->items[1].begin, 6U);
  EXPECT_EQ(words->items[1].end, 10U);
}

TEST(DocsOf, RemovesTheBlanksOfTheFirstLine) {
  EXPECT_EQ(DocsOf({"  # one", "#   two", "#three", "#"}), "one\n  two\nthree\n\n");
}

TEST(IsVariableName, FollowsTheReference) {
  EXPECT_TRUE(IsVariableName("a_1"));
  EXPECT_TRUE(IsVariableName("_"));
  for (const char* bad : {"", "1a", "a-b", "$a", "a.b", "\xC3\xA9"}) {
    EXPECT_FALSE(IsVariableName(bad)) << bad;
  }
}

}  // namespace
}  // namespace loam::ast::earthfile
