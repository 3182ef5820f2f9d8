#include "compiler/parse/dockerfile/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::parse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Quoted(std::string_view text, char escape = '\\') {
  std::vector<Word> words;
  SplitQuoted(text, escape, words);
  std::vector<std::string> texts;
  for (const Word& word : words) {
    texts.emplace_back(text.substr(word.begin, word.end - word.begin));
  }
  return texts;
}

struct Flags {
  std::vector<std::string> values;
  std::string rest;
};
Flags ReadFlags(std::string_view text, char escape = '\\') {
  std::vector<FlagWord> flags;
  const std::uint32_t rest = SplitFlags(text, escape, flags);
  Flags read;
  for (const FlagWord& flag : flags) {
    read.values.push_back(flag.value.value_or(std::string(text.substr(flag.begin, flag.end - flag.begin))));
  }
  read.rest = text.substr(rest);
  return read;
}

TEST(SplitQuoted, QuotesAndEscapesHoldWordsTogether) {
  EXPECT_THAT(Quoted("a=1 b='x y' c=\"p \\\" q\" d=e\\ f"), ElementsAre("a=1", "b='x y'", "c=\"p \\\" q\"", "d=e\\ f"));
  EXPECT_THAT(Quoted("a='\\' b"), ElementsAre("a='\\'", "b")) << "no escapes in single quotes";
  EXPECT_THAT(Quoted("a=\"open b"), ElementsAre("a=\"open b"));
  EXPECT_THAT(Quoted("  "), IsEmpty());
}

TEST(SplitQuoted, EscapeAtTheEndBelongsToNoWord) {
  EXPECT_THAT(Quoted("a=b\\"), ElementsAre("a=b"));
  EXPECT_THAT(Quoted("a=\"b\\"), ElementsAre("a=\"b"));
  EXPECT_THAT(Quoted("\\"), IsEmpty());
  EXPECT_THAT(Quoted("a=b\\", '`'), ElementsAre("a=b\\"));
}

TEST(SplitQuoted, UnicodeSpaceSeparates) {
  EXPECT_THAT(Quoted("a\u00a0b\u3000c"), ElementsAre("a", "b", "c"));
}

TEST(SplitFlags, EndAtTheFirstOtherWord) {
  const Flags flags = ReadFlags("--a --b=c d --e");
  EXPECT_THAT(flags.values, ElementsAre("--a", "--b=c"));
  EXPECT_EQ(flags.rest, "d --e");
  EXPECT_EQ(ReadFlags("-x y").rest, "-x y");
  EXPECT_EQ(ReadFlags("--a").rest, "");
}

TEST(SplitFlags, DoubleDashEndsThem) {
  const Flags flags = ReadFlags("--a -- --b");
  EXPECT_THAT(flags.values, ElementsAre("--a"));
  EXPECT_EQ(flags.rest, " --b");
  EXPECT_THAT(ReadFlags("--a --").values, ElementsAre("--a"));
}

TEST(SplitFlags, QuotesGoAndBytesAreLatin1) {
  EXPECT_THAT(ReadFlags("--a=\"x y\" --b='q'\"r\"").values, ElementsAre("--a=x y", "--b=qr"));
  EXPECT_THAT(ReadFlags("--a=x\\ y z").values, ElementsAre("--a=x y"));
  EXPECT_THAT(ReadFlags("--a=\u00e9").values, ElementsAre("--a=\u00c3\u00a9"));
  EXPECT_EQ(ReadFlags("--a\u00a0b").values.size(), 1U) << "the byte 0xA0 ends a word";
}

}  // namespace
}  // namespace loam::parse
