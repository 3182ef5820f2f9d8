#include "language-server/features/dockerfile/shell_split.h"

#include <gtest/gtest.h>

#include <string>

#include "language-server/features/dockerfile/logical.h"

namespace loam::lsp::dockerfile {
namespace {

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  for (const Span part : SplitAtAnd(text, {0, static_cast<std::uint32_t>(text.size())}, '\\')) {
    parts.push_back(text.substr(part.begin, part.size()));
  }
  return parts;
}
using Parts = std::vector<std::string>;

TEST(SplitAtAnd, TopLevel) {
  EXPECT_EQ(Split("a && b c && d"), (Parts{"a", "b c", "d"}));
  EXPECT_EQ(Split("a \\\n && b \\\n x"), (Parts{"a", "b \\\n x"}));
  EXPECT_EQ(Split("a '&&' \"&&\" && (b && c)"), (Parts{"a '&&' \"&&\"", "(b && c)"}));
  EXPECT_EQ(Split("a 2>&1 && b &>f"), (Parts{"a 2>&1", "b &>f"}));
}

TEST(SplitAtAnd, WhatASplitWouldChangeStaysWhole) {
  for (const char* text : {"a || b && c", "a; b && c", "a | b && c", "cd x && b", "X=1 && b", "a && export B=1 && c",
                           "a & b && c", "a && ", "if a && b", "a && (b", "a && 'b"}) {
    EXPECT_EQ(Split(text), Parts{text}) << text;
  }
}

TEST(LogicalView, SkipsContinuationsAndCommentsInThem) {
  const std::string text = "EXPOSE $po\\ \t\n # c\n\nrt x";
  const LogicalView view = MakeLogicalView(text, {0, static_cast<std::uint32_t>(text.size())}, '\\');
  EXPECT_EQ(view.text, "EXPOSE $port x");
  const Span name = view.SpanOf(8, 12);
  EXPECT_EQ(text.substr(name.begin, name.size()), "po\\ \t\n # c\n\nrt");
  EXPECT_EQ(MakeLogicalView("a\\\\\nb", {0, 5}, '\\').text, "a\\\\\nb");
  EXPECT_EQ(MakeLogicalView("a\\", {0, 2}, '\\').text, "a");
}

}  // namespace
}  // namespace loam::lsp::dockerfile
