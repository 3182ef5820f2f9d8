#include "compiler/parse/earthfile/word_matcher.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace loam::parse::earthfile {
namespace {

std::string FirstWord(const std::string& text, WordPlace place = WordPlace::kArgument) {
  return text.substr(0, WordMatcher(text).Match(0, place));
}

TEST(WordMatcher, EndsAtBlanksAndLineEnds) {
  EXPECT_EQ(FirstWord("echo hello"), "echo");
  EXPECT_EQ(FirstWord("echo\thello"), "echo");
  EXPECT_EQ(FirstWord("echo\r\nhello"), "echo");
  EXPECT_EQ(FirstWord("a#b=c$d(e) f"), "a#b=c$d(e)");
  EXPECT_EQ(FirstWord(" a"), "");
  EXPECT_EQ(FirstWord(""), "");
}

TEST(WordMatcher, TakesEscapesAndQuotes) {
  EXPECT_EQ(FirstWord("a\\ b c"), "a\\ b");
  EXPECT_EQ(FirstWord("'a b'c d"), "'a b'c");
  EXPECT_EQ(FirstWord("'it\\'s it' x"), "'it\\'s it'");
  EXPECT_EQ(FirstWord("\"a 'b\" c"), "\"a 'b\"");
  EXPECT_EQ(FirstWord("\"a \\\" b\" c"), "\"a \\\" b\"");
  EXPECT_EQ(FirstWord("\"two\nlines\" c"), "\"two\nlines\"");
}

TEST(WordMatcher, AQuoteThatIsNotClosedEndsTheWord) {
  EXPECT_EQ(FirstWord("ab\"c d"), "ab");
  EXPECT_EQ(FirstWord("\"c d"), "");
  EXPECT_EQ(FirstWord("'c d\\'"), "");
  EXPECT_EQ(FirstWord("a\\"), "a");
}

TEST(WordMatcher, ShellOutsNestWithQuotes) {
  EXPECT_EQ(FirstWord("$(cat \"a b\" 'c)') d"), "$(cat \"a b\" 'c)')");
  EXPECT_EQ(FirstWord("\"x $(echo \"in $(pwd) side\") y\" z"), "\"x $(echo \"in $(pwd) side\") y\"");
  EXPECT_EQ(FirstWord("$(a \\\n   # why not\n b) c"), "$(a \\\n   # why not\n b)");
  EXPECT_EQ(FirstWord("$(a (b) c) d"), "$(a (b)");
}

TEST(WordMatcher, AShellOutThatIsNotClosedIsPlainText) {
  EXPECT_EQ(FirstWord("$(a b"), "$(a");
  EXPECT_EQ(FirstWord("$() x"), "$()");
  EXPECT_EQ(FirstWord("\"$(a\" b"), "\"$(a\"");
  EXPECT_EQ(FirstWord("$(a\nb) c"), "$(a");
}

TEST(WordMatcher, TheLongestReadingWins) {
  EXPECT_EQ(FirstWord("\"$(a\" b \"c)\" d"), "\"$(a\" b \"c)\"");
  EXPECT_EQ(FirstWord("a\\#b c\nd e"), "a\\#b c\nd");
}

TEST(WordMatcher, LineContinuationsBelongToTheWord) {
  EXPECT_EQ(FirstWord("a\\\n   b c"), "a\\\n   b");
  EXPECT_EQ(FirstWord("a\\  # why\n\n  # more\n  b c"), "a\\  # why\n\n  # more\n  b");
}

TEST(WordMatcher, KeysEndAtEquals) {
  EXPECT_EQ(FirstWord("a=b", WordPlace::kKey), "a");
  EXPECT_EQ(FirstWord("a\"=\"b=c", WordPlace::kKey), "a\"=\"b");
  EXPECT_EQ(FirstWord("don't x", WordPlace::kKey), "don't");
  EXPECT_EQ(FirstWord("a'b c' d", WordPlace::kKey), "a'b c'");
}

// Text made so that the number of readings, or of attempts, grows with its length. Without a bound each takes minutes.
TEST(WordMatcher, HostileTextTakesLinearTime) {
  for (const std::string piece : {"$(\"", "\"$(", "$($(", "\"a", "'", "\\\n#\"", "$(\" ", "\\#'$("}) {
    const auto milliseconds = [&](std::size_t bytes) {
      std::string text;
      while (text.size() < bytes) {
        text += piece;
      }
      WordMatcher matcher(text);
      const auto start = std::chrono::steady_clock::now();
      for (std::uint32_t pos = 0; pos < text.size();) {
        pos = std::max(pos + 1, matcher.Match(pos, WordPlace::kArgument));
      }
      return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    };
    const double small = milliseconds(1 << 13);
    const double large = milliseconds(1 << 16);
    EXPECT_LT(large, 40 * small + 3000) << piece;
  }
}

}  // namespace
}  // namespace loam::parse::earthfile
