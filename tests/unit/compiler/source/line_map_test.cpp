#include "compiler/source/line_map.h"

#include <gtest/gtest.h>

namespace loam::source {
namespace {

TEST(LineMap, CountsLines) {
  EXPECT_EQ(LineMap("").line_count(), 1U);
  EXPECT_EQ(LineMap("a").line_count(), 1U);
  EXPECT_EQ(LineMap("a\n").line_count(), 1U);
  EXPECT_EQ(LineMap("a\nb").line_count(), 2U);
  EXPECT_EQ(LineMap("\n\n").line_count(), 2U);
}

TEST(LineMap, FindsLinesAndByteColumns) {
  const LineMap map("ab\r\nc\n\nd");
  EXPECT_EQ(map.ByteColumn(0), (LineColumn{1, 1}));
  EXPECT_EQ(map.ByteColumn(2), (LineColumn{1, 3}));
  EXPECT_EQ(map.ByteColumn(4), (LineColumn{2, 1}));
  EXPECT_EQ(map.ByteColumn(6), (LineColumn{3, 1}));
  EXPECT_EQ(map.ByteColumn(7), (LineColumn{4, 1}));
  EXPECT_EQ(map.ByteColumn(8), (LineColumn{4, 2}));
  EXPECT_EQ(map.ByteColumn(99), (LineColumn{4, 2}));
}

TEST(LineMap, CountsUtf16Units) {
  const std::string_view text = "a\u00e9\U0001F600z\nx";  // 1 + 2 + 4 + 1 bytes
  const LineMap map(text);
  EXPECT_EQ(map.Utf16Column(text, 1), (LineColumn{1, 2}));
  EXPECT_EQ(map.Utf16Column(text, 3), (LineColumn{1, 3}));
  EXPECT_EQ(map.Utf16Column(text, 7), (LineColumn{1, 5}));
  EXPECT_EQ(map.Utf16Column(text, 5), (LineColumn{1, 3})) << "inside the emoji";
  for (const std::uint32_t offset : {0U, 1U, 3U, 7U, 8U, 9U, 10U}) {
    EXPECT_EQ(map.OffsetOfUtf16(text, map.Utf16Column(text, offset)), offset);
  }
}

TEST(LineMap, PlacesOutsideTheTextAreItsEnds) {
  const std::string_view text = "ab\r\ncd";
  const LineMap map(text);
  EXPECT_EQ(map.OffsetOfUtf16(text, {1, 99}), 2U);
  EXPECT_EQ(map.OffsetOfUtf16(text, {99, 1}), text.size());
  EXPECT_EQ(map.OffsetOfUtf16(text, {0, 0}), 0U);
}

TEST(LineMap, LineTextHasNoLineEnd) {
  const std::string_view text = "ab\r\n\ncd";
  const LineMap map(text);
  EXPECT_EQ(map.LineText(text, 1), "ab");
  EXPECT_EQ(map.LineText(text, 2), "");
  EXPECT_EQ(map.LineText(text, 3), "cd");
}

}  // namespace
}  // namespace loam::source
