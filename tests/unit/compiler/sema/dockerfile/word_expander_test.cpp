#include "compiler/sema/dockerfile/word_expander.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loam::sema {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class WordExpanderTest : public testing::Test {
 protected:
  WordExpanderTest() {
    env_.Set("X", "value");
    env_.Set("EMPTY", "");
    env_.Set("FILE", "dir/name.tar.gz");
    env_.Set("STAR", "a*b*c");
    env_.Set("LINES", "one\ntwo");
    env_.Set("ÄX", "umlaut");
  }
  std::string Expand(std::string_view word, const ExpansionOptions& options = {}) {
    WordExpander expander(env_, options);
    std::string out;
    if (!expander.Expand(word, out)) {
      return "error: " + expander.error();
    }
    return out;
  }
  std::vector<std::string> Words(std::string_view word) {
    WordExpander expander(env_, {});
    std::vector<std::string> words;
    EXPECT_TRUE(expander.ExpandToWords(word, words)) << expander.error();
    return words;
  }
  Environment env_;
};

TEST_F(WordExpanderTest, PlainVariables) {
  EXPECT_EQ(Expand("$X"), "value");
  EXPECT_EQ(Expand("a${X}b"), "avalueb");
  EXPECT_EQ(Expand("$Xb"), "");
  EXPECT_EQ(Expand("$X.b-$UNSET"), "value.b-");
  EXPECT_EQ(Expand("$"), "$");
  EXPECT_EQ(Expand("a$ b"), "a$ b");
  EXPECT_EQ(Expand("$ÄX"), "umlaut");
}

TEST_F(WordExpanderTest, PositionalAndSpecialNames) {
  EXPECT_EQ(Expand("$12x"), "x");
  EXPECT_EQ(Expand("$@x$?"), "x");
}

TEST_F(WordExpanderTest, Defaults) {
  EXPECT_EQ(Expand("${UNSET:-d}"), "d");
  EXPECT_EQ(Expand("${UNSET-d}"), "d");
  EXPECT_EQ(Expand("${EMPTY:-d}"), "d");
  EXPECT_EQ(Expand("${EMPTY-d}"), "");
  EXPECT_EQ(Expand("${X:-d}"), "value");
  EXPECT_EQ(Expand("${UNSET:-${UNSET2:-$X}}"), "value");
  EXPECT_EQ(Expand("a${UNSET:-b}c"), "abc");
}

TEST_F(WordExpanderTest, Alternatives) {
  EXPECT_EQ(Expand("${X:+a}"), "a");
  EXPECT_EQ(Expand("${EMPTY:+a}"), "");
  EXPECT_EQ(Expand("${EMPTY+a}"), "a");
  EXPECT_EQ(Expand("${UNSET+a}"), "");
}

TEST_F(WordExpanderTest, Required) {
  EXPECT_EQ(Expand("${X:?}"), "value");
  EXPECT_EQ(Expand("${UNSET?}"), "error: UNSET: is not allowed to be unset");
  EXPECT_EQ(Expand("${EMPTY:?}"), "error: EMPTY: is not allowed to be empty");
  EXPECT_EQ(Expand("${EMPTY?}"), "");
  EXPECT_EQ(Expand("${UNSET:?give it}"), "error: UNSET: give it");
}

TEST_F(WordExpanderTest, TrimsPrefixesAndSuffixes) {
  EXPECT_EQ(Expand("${FILE#*/}"), "name.tar.gz");
  EXPECT_EQ(Expand("${FILE#*.}"), "tar.gz");
  EXPECT_EQ(Expand("${FILE##*.}"), "gz");
  EXPECT_EQ(Expand("${FILE%.*}"), "dir/name.tar");
  EXPECT_EQ(Expand("${FILE%%.*}"), "dir/name");
  EXPECT_EQ(Expand("${FILE%?gz}"), "dir/name.tar");
  EXPECT_EQ(Expand("${STAR#a\\*}"), "b*c");
  EXPECT_EQ(Expand("${STAR%\\*c}"), "a*b");
  EXPECT_EQ(Expand("${X#nothing}"), "value");
  EXPECT_EQ(Expand("${UNSET#a}"), "");
}

TEST_F(WordExpanderTest, Replaces) {
  EXPECT_EQ(Expand("${FILE/./_}"), "dir/name_tar.gz");
  EXPECT_EQ(Expand("${FILE//./_}"), "dir/name_tar_gz");
  EXPECT_EQ(Expand("${FILE/\\//-}"), "dir-name.tar.gz");
  EXPECT_EQ(Expand("${FILE//a*/-}"), "dir/n-");
  EXPECT_EQ(Expand("${STAR//\\*/+}"), "a+b+c");
  EXPECT_EQ(Expand("${LINES/e*o/-}"), "one\ntwo");
  EXPECT_EQ(Expand("${X/v/}"), "alue");
}

TEST_F(WordExpanderTest, QuotesAndEscapes) {
  EXPECT_EQ(Expand("'$X'"), "$X");
  EXPECT_EQ(Expand("\"$X\""), "value");
  EXPECT_EQ(Expand("\\$X"), "$X");
  EXPECT_EQ(Expand("\"\\$X \\n \\\" \\\\\""), "$X \\n \" \\");
  EXPECT_EQ(Expand("a\\b"), "ab");
  EXPECT_EQ(Expand("a\\"), "a");
  EXPECT_EQ(Expand("\"a'b\"'c\"d'"), "a'bc\"d");
  EXPECT_EQ(Expand("`$X", {.escape = '`'}), "$X");
  EXPECT_EQ(Expand("a\\b", {.escape = '`'}), "a\\b");
}

TEST_F(WordExpanderTest, Mistakes) {
  EXPECT_THAT(Expand("'a"), HasSubstr("single-quote"));
  EXPECT_THAT(Expand("\"a"), HasSubstr("double-quote"));
  EXPECT_THAT(Expand("${X"), HasSubstr("unsupported modifier"));
  EXPECT_THAT(Expand("${"), HasSubstr("missing '}'"));
  EXPECT_THAT(Expand("${X:-a"), HasSubstr("missing '}'"));
  EXPECT_THAT(Expand("${}"), HasSubstr("bad substitution"));
  EXPECT_THAT(Expand("${:X}"), HasSubstr("bad substitution"));
  EXPECT_THAT(Expand("${X=a}"), HasSubstr("unsupported modifier (=)"));
  EXPECT_THAT(Expand("${X:=a}"), HasSubstr("unsupported modifier (:=)"));
  EXPECT_THAT(Expand("${X:#a}"), HasSubstr("unsupported modifier (:#)"));
  EXPECT_THAT(Expand("${X/a"), HasSubstr("missing '/'"));
  EXPECT_THAT(Expand("${X/a/b"), HasSubstr("missing '}'"));
  EXPECT_THAT(Expand("${X#\\a}"), HasSubstr("invalid escape '\\a'"));
}

TEST_F(WordExpanderTest, RawModes) {
  EXPECT_EQ(Expand("\"$X\" '$X' $UNSET ${UNSET:-d}", {.raw_quotes = true, .skip_unset = true}),
            "\"value\" '$X' $UNSET ${UNSET:-d}");
  EXPECT_EQ(Expand("it's $X \"", {.skip_quotes = true}), "it's value \"");
  EXPECT_EQ(Expand("a\\ b", {.raw_escapes = true}), "a\\ b");
}

TEST_F(WordExpanderTest, Words) {
  EXPECT_THAT(Words("80 443"), ElementsAre("80", "443"));
  EXPECT_THAT(Words("\"a b\" c\\ d"), ElementsAre("a b", "c d"));
  env_.Set("PORTS", " 1  2 ");
  EXPECT_THAT(Words("$PORTS"), ElementsAre("1", "2"));
  EXPECT_THAT(Words("\"$PORTS\""), ElementsAre(" 1  2 "));
  EXPECT_THAT(Words(""), ElementsAre());
  // As upstream: a nested expansion loses what stands in front of it.
  EXPECT_THAT(Words("80${UNSET:-90}"), ElementsAre("90"));
}

TEST_F(WordExpanderTest, BytesThatAreNotUtf8) {
  EXPECT_EQ(Expand("a\xff$X"), "a\xEF\xBF\xBDvalue");
  EXPECT_TRUE(WordExpander::NeedsExpansion("a\xff", '\\'));
  EXPECT_FALSE(WordExpander::NeedsExpansion("grün", '\\'));
}

TEST_F(WordExpanderTest, NamesWhatItUsed) {
  WordExpander expander(env_, {});
  std::string out;
  ASSERT_TRUE(expander.Expand("$X${NOT:-$EMPTY}", out));
  EXPECT_THAT(expander.matched(), ElementsAre("X", "EMPTY"));
  EXPECT_THAT(expander.unmatched(), ElementsAre("NOT"));
}

TEST_F(WordExpanderTest, DepthIsBounded) {
  const auto nested = [](int depth) {
    std::string word;
    for (int i = 0; i < depth; ++i) {
      word += "${U:-";
    }
    return word + "x" + std::string(static_cast<std::size_t>(depth), '}');
  };
  EXPECT_EQ(Expand(nested(kMaxExpansionDepth - 1)), "x");
  EXPECT_THAT(Expand(nested(kMaxExpansionDepth + 1)), HasSubstr("nested"));
  EXPECT_THAT(Expand(nested(100000)), HasSubstr("nested"));
}

TEST(EnvironmentTest, SettingAgainMovesToTheEnd) {
  Environment env;
  ir::Graph graph;
  env.Set("A", "1");
  env.Set("B", "2");
  env.Set("A", "3");
  EXPECT_THAT(env.Render(graph), ElementsAre("B=2", "A=3"));
  env.Remove("B");
  EXPECT_THAT(env.Render(graph), ElementsAre("A=3"));
  EXPECT_EQ(env.Find("B"), std::nullopt);
}

TEST(EnvironmentTest, ManyVariablesAreFoundByIndex) {
  Environment env;
  ir::Graph graph;
  std::vector<std::string> keys;
  for (int i = 0; i < 2000; ++i) {
    keys.push_back("K" + std::to_string(i));
  }
  for (const std::string& key : keys) {
    env.Set(key, key);
  }
  for (std::size_t i = 0; i < keys.size(); i += 2) {
    env.Set(keys[i], "again");
  }
  for (std::size_t i = 1; i < keys.size(); i += 4) {
    env.Remove(keys[i]);
  }
  EXPECT_EQ(env.Find("K0"), "again");
  EXPECT_EQ(env.Find("K1"), std::nullopt);
  EXPECT_EQ(env.Find("K3"), "K3");
  const auto rendered = env.Render(graph);
  EXPECT_EQ(rendered.size(), 1500U);
  EXPECT_EQ(rendered.front(), "K3=K3");
  EXPECT_EQ(rendered.back(), "K1998=again");
}

TEST_F(WordExpanderTest, WordsThatGetTooLong) {
  const std::string big(kMaxExpandedBytes / 2 + 1, 'b');
  env_.Set("BIG", big);
  EXPECT_EQ(Expand("$BIG").size(), big.size());
  const std::string replaced = "${BIG//b/" + std::string(10'000, 'b') + "}";
  for (const char* const word : {"$BIG$BIG", "\"${BIG}${BIG}\"", "$BIG${BIG:-x}", "$BIG${BIG#x}", replaced.c_str()}) {
    EXPECT_THAT(Expand(word), HasSubstr("longer than 16 MiB")) << word;
  }
}

}  // namespace
}  // namespace loam::sema
