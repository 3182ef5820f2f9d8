#include "base/go_quote.h"

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(GoQuote, AsStrconvQuote) {
  EXPECT_EQ(GoQuoted(""), "\"\"");
  EXPECT_EQ(GoQuoted("plain 'text' \u00e9\u4e16"), "\"plain 'text' \u00e9\u4e16\"");
  EXPECT_EQ(GoQuoted("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(GoQuoted("\a\b\f\n\r\t\v"), R"("\a\b\f\n\r\t\v")");
  EXPECT_EQ(GoQuoted(std::string_view("\0\x1b\x7f", 3)), R"("\x00\x1b\x7f")");
  EXPECT_EQ(GoQuoted("\xff\xc3("), R"("\xff\xc3(")");
  EXPECT_EQ(GoQuoted("\u00a0\u200b\U000e0001"), R"("\u00a0\u200b\U000e0001")");
  EXPECT_EQ(GoQuoted("\ufffd"), "\"\ufffd\"");
}

}  // namespace
}  // namespace loam
