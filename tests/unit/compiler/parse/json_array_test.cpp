#include "compiler/parse/dockerfile/json_array.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/parse/parse.h"

namespace loam::parse {
namespace {

using testing::ElementsAre;

std::optional<std::vector<std::string>> Strings(std::string_view text) {
  syntax::Arena arena;
  std::vector<JsonToken> tokens;
  if (!ScanJsonArray(text, kMaxJsonDepth, arena, tokens)) {
    return std::nullopt;
  }
  std::vector<std::string> strings;
  for (const JsonToken& token : tokens) {
    if (token.kind == syntax::TokenKind::kJsonString) {
      strings.emplace_back(token.value);
    } else if (token.kind == syntax::TokenKind::kJsonOther) {
      strings.push_back("other:" + std::string(text.substr(token.begin, token.end - token.begin)));
    }
  }
  return strings;
}

TEST(ScanJsonArray, DecodesStrings) {
  EXPECT_THAT(*Strings(R"(["a", "b\"\\\/\b\f\n\r\t"])"), ElementsAre("a", "b\"\\/\b\f\n\r\t"));
  EXPECT_THAT(*Strings(R"([ "\u00e9\u20AC" ,"\ud83d\ude00"] )"), ElementsAre("\u00e9\u20ac", "\U0001F600"));
  EXPECT_THAT(*Strings(R"(["\ud83dx", "\ude00"])"), ElementsAre("\uFFFDx", "\uFFFD")) << "halves of pairs";
  EXPECT_THAT(*Strings("[\"a\xff\"]"), ElementsAre("a\uFFFD"));
  EXPECT_THAT(*Strings("[]"), ElementsAre());
  EXPECT_THAT(*Strings(" [ ] "), ElementsAre());
}

TEST(ScanJsonArray, OtherValuesAreOneTokenEach) {
  EXPECT_THAT(*Strings(R"([1, -2.5e+3, true, null, {"a": [1, {}]}, [["x"], []], "s"])"),
              ElementsAre("other:1", "other:-2.5e+3", "other:true", "other:null", "other:{\"a\": [1, {}]}",
                          "other:[[\"x\"], []]", "s"));
}

TEST(ScanJsonArray, WhatIsNoJsonIsRefused) {
  for (const std::string_view text : {"",
                                      "a",
                                      "[",
                                      "]",
                                      "[\"a\"",
                                      "[\"a\",]",
                                      "[,]",
                                      "['a']",
                                      "[\"a\" \"b\"]",
                                      "[\"a\"] x",
                                      "[\"\t\"]",
                                      "[\"\\x\"]",
                                      "[\"\\u12g4\"]",
                                      "[01]",
                                      "[1.]",
                                      "[+1]",
                                      "[nul]",
                                      "[{\"a\"}]",
                                      "[{a:1}]",
                                      "[[]",
                                      "[1e999]",
                                      "{\"a\": 1}"}) {
    EXPECT_FALSE(Strings(text)) << text;
  }
}

TEST(ScanJsonArray, DepthIsBoundedWithoutRecursion) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(Strings(nested(kMaxJsonDepth)));
  EXPECT_FALSE(Strings(nested(kMaxJsonDepth + 1)));
  EXPECT_FALSE(Strings(nested(1'000'000)));
}

}  // namespace
}  // namespace loam::parse
