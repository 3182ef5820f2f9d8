#include "base/utf8.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(Utf8, DecodesAndEncodesEveryLength) {
  for (const char32_t rune : {U'a', U'\u00e9', U'\u20ac', U'\U0001F600', U'\U0010FFFF'}) {
    std::string text;
    AppendRune(text, rune);
    const Rune first = DecodeRune(text + "x");
    EXPECT_EQ(first.value, rune);
    EXPECT_EQ(first.size, text.size());
    EXPECT_EQ(DecodeLastRune("x" + text).value, rune);
  }
}

TEST(Utf8, InvalidBytesAreOneReplacementEach) {
  for (const std::string_view text :
       {"\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xFF"}) {
    EXPECT_EQ(DecodeRune(text).value, kReplacementRune) << text.size();
    EXPECT_EQ(DecodeRune(text).size, 1U);
  }
  EXPECT_EQ(DecodeRune("").size, 0U);
}

TEST(Utf8, AcceptsAndRejectsWhatRfc3629Does) {
  for (const std::string_view good : {"", "a", "plain ascii of more than eight bytes", "é", "12345678é", "\xE2\x82\xAC",
                                      "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBD", "a\xED\x9F\xBF"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  for (const std::string_view bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3",
        "12345678\xE2\x82", "caf\xE9", "\xF0\x8F\xBF\xBF", "\xFF"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

TEST(Utf8, ShortensBetweenRunes) {
  const std::string text = "a\u20ac\U0001F600";  // 1 + 3 + 4 bytes
  EXPECT_EQ(Shortened(text, 8), text);
  EXPECT_EQ(Shortened(text, 7), "a\u20ac…");
  EXPECT_EQ(Shortened(text, 4), "a\u20ac…");
  EXPECT_EQ(Shortened(text, 3), "a…");
  EXPECT_EQ(Shortened("\x80\x80", 1), "…");
  EXPECT_EQ(RuneStart(text, 3), 1U);
  EXPECT_EQ(RuneStart(text, text.size()), text.size());
}

TEST(Utf8, TrimsUnicodeSpace) {
  EXPECT_EQ(TrimUnicodeSpace("\u00a0\t a b\u3000\r\n"), "a b");
  EXPECT_EQ(TrimUnicodeSpace(" \u2003 "), "");
  // The byte 0xA0 alone is no space.
  EXPECT_EQ(TrimUnicodeSpace("a\xA0"), "a\xA0");
}

}  // namespace
}  // namespace loam
