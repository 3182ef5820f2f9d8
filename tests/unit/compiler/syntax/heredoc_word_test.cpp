#include "compiler/syntax/heredoc_word.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::syntax {
namespace {

using testing::ElementsAre;

std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> texts;
  for (const ShellWord& word :
       SplitShellWords(text, {.keep_quotes = true, .keep_escapes = true}).value_or(std::vector<ShellWord>{})) {
    texts.push_back(word.text);
  }
  return texts;
}

TEST(SplitShellWords, KeepsWhatItIsToldTo) {
  EXPECT_THAT(Split("RUN a  'b c' \"d e\"f \\ g"), ElementsAre("RUN", "a", "'b c'", "\"d e\"f", "\\ g"));
  EXPECT_THAT(Split("cat << EOF <x"), ElementsAre("cat", "<< EOF", "<x"));
  EXPECT_THAT(Split("a${x:-b c}d ${y}"), ElementsAre("${x:-b", "c}d", "${y}")) << "a substitution starts over";
}

TEST(SplitShellWords, WithoutRawQuotesTheyGo) {
  const auto words = SplitShellWords("'a b' c\\ d", {});
  ASSERT_TRUE(words);
  ASSERT_EQ(words->size(), 2U);
  EXPECT_EQ((*words)[0].text, "a b");
  EXPECT_EQ((*words)[1].text, "c d");
}

TEST(SplitShellWords, PlacesAreThoseOfTheWord) {
  const auto words = SplitShellWords("  ab 'c d'", {});
  ASSERT_TRUE(words);
  EXPECT_EQ((*words)[0].begin, 2U);
  EXPECT_EQ((*words)[0].end, 4U);
  EXPECT_EQ((*words)[1].begin, 5U);
  EXPECT_EQ((*words)[1].end, 10U);
}

TEST(SplitShellWords, MalformedTextHasNoWords) {
  for (const std::string_view text :
       {"'a", "\"a", "${a", "${a:-b", "${}", "${:x}", "${{a}}", "${a=b}", "${a:#b}", "${a/b}"}) {
    EXPECT_FALSE(SplitShellWords(text, {})) << text;
  }
}

TEST(SplitShellWords, NestingIsBounded) {
  const auto nested = [](int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) {
      text += "${a:-";
    }
    return text + std::string(static_cast<std::size_t>(depth), '}');
  };
  EXPECT_TRUE(SplitShellWords(nested(kMaxSubstitutionDepth), {}));
  EXPECT_FALSE(SplitShellWords(nested(100'000), {}));
}

TEST(ParseHeredocWord, ReadsNameAndMarks) {
  const auto plain = ParseHeredocWord("<<EOF");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->name, "EOF");
  EXPECT_TRUE(plain->expand);
  EXPECT_FALSE(plain->chomp);
  const auto marked = ParseHeredocWord("12<<-\"E F\"");
  ASSERT_TRUE(marked);
  EXPECT_EQ(marked->name, "E F");
  EXPECT_FALSE(marked->expand);
  EXPECT_TRUE(marked->chomp);
  EXPECT_EQ(marked->fd, 12U);
  EXPECT_EQ(ParseHeredocWord("<<  EOF")->name, "EOF");
  EXPECT_EQ(ParseHeredocWord("<<EO\\F")->name, "EOF");
  EXPECT_TRUE(ParseHeredocWord("<<EO\\F")->expand) << "only quotes turn expansion off";
  EXPECT_FALSE(ParseHeredocWord("<<E'O'F")->expand);
  EXPECT_EQ(ParseHeredocWord("<<$x")->name, "$x");
}

TEST(ParseHeredocWord, OtherWordsAreNone) {
  for (const std::string_view word : {"", "<EOF", "<<", "<<-", "<<<EOF", "a<<EOF", "<<a b", "<<a<b", "<<'a"}) {
    EXPECT_FALSE(ParseHeredocWord(word)) << word;
  }
}

}  // namespace
}  // namespace loam::syntax
