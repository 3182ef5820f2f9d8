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

TEST(Utf8, TrimsUnicodeSpace) {
  EXPECT_EQ(TrimUnicodeSpace("\u00a0\t a b\u3000\r\n"), "a b");
  EXPECT_EQ(TrimUnicodeSpace(" \u2003 "), "");
  // The byte 0xA0 alone is no space.
  EXPECT_EQ(TrimUnicodeSpace("a\xA0"), "a\xA0");
}

}  // namespace
}  // namespace loam
