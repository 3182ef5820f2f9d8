#include "base/go_json.h"

#include <vector>

#include <gtest/gtest.h>

namespace loam {
namespace {

TEST(GoJson, EscapesAsGoDoes) {
  EXPECT_EQ(GoJsonString("a\"b\\c<d>&\n\t\r\b\f\x01\x7f"),
            "\"a\\\"b\\\\c\\u003cd\\u003e\\u0026\\n\\t\\r\\b\\f\\u0001\x7f\"");
  EXPECT_EQ(GoJsonString("\xc3\xa4\xe2\x80\xa8\xff\xf0\x9f\x98\x80\xed\xa0\x80"),
            "\"\xc3\xa4\\u2028\\ufffd\xf0\x9f\x98\x80\\ufffd\\ufffd\\ufffd\"");
  EXPECT_EQ(GoJsonBase64(""), "\"\"");
  EXPECT_EQ(GoJsonBase64("a"), "\"YQ==\"");
  EXPECT_EQ(GoJsonBase64("ab"), "\"YWI=\"");
  EXPECT_EQ(GoJsonBase64("abc"), "\"YWJj\"");
}

TEST(GoJson, ListsAndObjects) {
  EXPECT_EQ(GoJsonStringList(std::vector<std::string>{}), "[]");
  EXPECT_EQ(GoJsonStringList(std::vector<std::string>{"a", "<"}), R"(["a","\u003c"])");
  EXPECT_EQ(GoJsonArray(std::vector<std::string>{"1", "null"}), "[1,null]");
  const std::vector<std::string> none;
  EXPECT_EQ(GoJsonObject().Add("a", "").Add("b", std::int64_t{0}).AddFlag("c", false).AddList("d", none).Text(), "{}");
  EXPECT_EQ(GoJsonObject().Add("a", "x").Add("b", std::int64_t{2}).AddFlag("c", true).AddBytes("d", "ab").Text(),
            R"({"a":"x","b":2,"c":true,"d":"YWI="})");
}

}  // namespace
}  // namespace loam
