#include "compiler/parse/dockerfile/logical_line.h"

#include <gtest/gtest.h>

namespace loam::parse {
namespace {

std::pair<std::string, bool> Trim(std::string_view content, char escape = '\\') {
  const bool continues = TrimContinuation(content, escape);
  return {std::string(content), continues};
}

TEST(TrimContinuation, NeedsTheEscapeLastAndAlone) {
  using Answer = std::pair<std::string, bool>;
  EXPECT_EQ(Trim("a \\"), Answer("a ", true));
  EXPECT_EQ(Trim("a\\ \t"), Answer("a", true));
  EXPECT_EQ(Trim("\\"), Answer("", true));
  EXPECT_EQ(Trim("a\\\\"), Answer("a\\\\", false));
  EXPECT_EQ(Trim("a\\\\\\"), Answer("a\\\\\\", false));
  EXPECT_EQ(Trim("a`"), Answer("a`", false));
  EXPECT_EQ(Trim("a`", '`'), Answer("a", true));
  EXPECT_EQ(Trim(""), Answer("", false));
}

TEST(LogicalText, MapsBytesToTheirSource) {
  LogicalText text;
  text.Append("abc", 10);
  EXPECT_FALSE(text.is_joined());
  text.Append("de", 20);
  text.Append("f", 30);
  EXPECT_EQ(text.text(), "abcdef");
  EXPECT_EQ(text.Begin(0), 10U);
  EXPECT_EQ(text.Begin(2), 12U);
  EXPECT_EQ(text.Begin(3), 20U);
  EXPECT_EQ(text.End(3), 13U);
  EXPECT_EQ(text.End(5), 22U);
  EXPECT_EQ(text.End(6), 31U);
}

TEST(LineReader, TakesCarriageReturnsOff) {
  LineReader reader("a\r\n\r\r\nb");
  PhysicalLine line;
  ASSERT_TRUE(reader.Next(line));
  EXPECT_EQ(reader.Content(line), "a");
  ASSERT_TRUE(reader.Next(line));
  EXPECT_EQ(reader.Content(line), "");
  ASSERT_TRUE(reader.Next(line));
  EXPECT_EQ(reader.Content(line), "b");
  EXPECT_EQ(reader.line_number(), 3U);
  EXPECT_FALSE(reader.Next(line));
}

}  // namespace
}  // namespace loam::parse
