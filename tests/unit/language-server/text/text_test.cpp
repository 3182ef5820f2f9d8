#include "language-server/text/text.h"

#include <gtest/gtest.h>

namespace loam::lsp {
namespace {

TEST(Text, LinesEndWithLfCrlfAndCr) {
  const Text text("a\nb\r\nc\rd");
  EXPECT_EQ(text.line_count(), 4U);
  EXPECT_EQ(text.LineText(1), "b");
  EXPECT_EQ(text.LineText(3), "d");
  EXPECT_EQ(text.LineAt(2), 1U);
  EXPECT_EQ(text.LineAt(3), 1U);  // the CR belongs to its line
  EXPECT_EQ(Text("a\n").line_count(), 2U);
  EXPECT_EQ(Text("").line_count(), 1U);
}

TEST(Text, PositionsCountTheUnitsOfTheEncoding) {
  const Text text("é😀x");  // 2 + 4 + 1 bytes
  const std::uint32_t x = 6;
  EXPECT_EQ(text.PositionAt(x, PositionEncoding::kUtf8).character, 6U);
  EXPECT_EQ(text.PositionAt(x, PositionEncoding::kUtf16).character, 3U);
  EXPECT_EQ(text.PositionAt(x, PositionEncoding::kUtf32).character, 2U);
  EXPECT_EQ(text.OffsetAt({0, 6}, PositionEncoding::kUtf8), x);
  EXPECT_EQ(text.OffsetAt({0, 3}, PositionEncoding::kUtf16), x);
  EXPECT_EQ(text.OffsetAt({0, 2}, PositionEncoding::kUtf32), x);
  // Inside of a character is its begin.
  EXPECT_EQ(text.OffsetAt({0, 2}, PositionEncoding::kUtf16), 2U);
}

TEST(Text, PlacesOutsideAreClamped) {
  const Text text("ab\ncd");
  EXPECT_EQ(text.OffsetAt({0, 99}, PositionEncoding::kUtf16), 2U);
  EXPECT_EQ(text.OffsetAt({99, 0}, PositionEncoding::kUtf16), 5U);
  EXPECT_EQ(text.PositionAt(99, PositionEncoding::kUtf16), (Position{1, 2}));
}

TEST(Text, EditsKeepTheLines) {
  Text text("one\r\ntwo\nthree");
  text.Replace({3, 4}, "");  // the CR of a CRLF
  EXPECT_EQ(text.bytes(), "one\ntwo\nthree");
  EXPECT_EQ(text.line_count(), 3U);
  text.Replace({4, 7}, "2\n2");
  EXPECT_EQ(text.LineText(2), "2");
  text.Replace({3, 3}, "\r");  // joins with the LF behind it
  EXPECT_EQ(text.line_count(), 4U);
  text.Replace({2, 999}, "");
  EXPECT_EQ(text.bytes(), "on");
  EXPECT_EQ(text.line_count(), 1U);
}

// An edit at any place gives the lines that the whole text has.
TEST(Text, EditsAgreeWithTheWholeText) {
  const std::string base = "a\r\nb\rc\n\nd";
  for (std::uint32_t begin = 0; begin <= base.size(); ++begin) {
    for (std::uint32_t end = begin; end <= base.size(); ++end) {
      for (const char* piece : {"", "\r", "\n", "x\ny"}) {
        Text edited(base);
        edited.Replace({begin, end}, piece);
        const Text whole{std::string(edited.bytes())};
        ASSERT_EQ(edited.line_count(), whole.line_count()) << begin << " " << end;
        for (std::uint32_t line = 0; line < whole.line_count(); ++line) {
          ASSERT_EQ(edited.LineBegin(line), whole.LineBegin(line));
        }
      }
    }
  }
}

}  // namespace
}  // namespace loam::lsp
