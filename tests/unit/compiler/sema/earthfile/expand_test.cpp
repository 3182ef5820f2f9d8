#include "compiler/sema/earthfile/expand.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/sema/dockerfile/word_expander.h"

namespace loam::sema::earthfile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class EarthExpandTest : public testing::Test {
 protected:
  std::string Expand(std::string_view word, bool keep_plus = false, bool old_rules = false) {
    ExpandOptions options;
    options.keep_plus_escapes = keep_plus;
    options.old_rules = old_rules;
    options.names_read = &read_;
    options.shell_out = [this](std::string_view command) -> Checked<std::string> {
      commands_.emplace_back(command);
      return "<" + std::string(command) + ">\n";
    };
    auto result = ExpandWord(
        word, {},
        [this](std::string_view name) {
          const auto found = values_.find(name);
          return found == values_.end() ? std::nullopt : std::optional<std::string_view>(found->second);
        },
        options);
    return result ? *result : "error: " + std::string(result.error().message());
  }
  std::map<std::string, std::string, std::less<>> values_ = {
      {"X", "value"}, {"EMPTY", ""}, {"FILE", "dir/name.tar.gz"}, {"STAR", "*"}, {"QUOTES", "a 'b' \"c\" $X"}};
  std::vector<std::string> commands_;
  NameSet read_;
};

TEST_F(EarthExpandTest, Variables) {
  EXPECT_EQ(Expand("$X"), "value");
  EXPECT_EQ(Expand("a$X.b"), "avalue.b");
  EXPECT_EQ(Expand("${X}Y"), "valueY");
  EXPECT_EQ(Expand("$XY"), "");
  EXPECT_EQ(Expand("$."), "$.");
  EXPECT_EQ(Expand("he$1x"), "hex");
  EXPECT_EQ(Expand("$#$@"), "");
  EXPECT_EQ(Expand("100$"), "100$");
  // Values are not read again.
  EXPECT_EQ(Expand("$QUOTES"), "a 'b' \"c\" $X");
}

TEST_F(EarthExpandTest, Operations) {
  EXPECT_EQ(Expand("${NONE:-d}"), "d");
  EXPECT_EQ(Expand("${EMPTY:-d}"), "d");
  EXPECT_EQ(Expand("${X:-d}"), "value");
  EXPECT_EQ(Expand("${X:+d}${NONE:+e}${EMPTY:+f}"), "d");
  EXPECT_EQ(Expand("${NONE:-${EMPTY:-$X}}"), "value");
  EXPECT_EQ(Expand("${FILE#dir/}"), "name.tar.gz");
  EXPECT_EQ(Expand("${FILE%.gz}"), "dir/name.tar");
  EXPECT_EQ(Expand("${FILE%*}"), "dir/name.tar.gz");
  EXPECT_EQ(Expand("${STAR#*}"), "");
  EXPECT_EQ(Expand("${X:?none}"), "value");
  EXPECT_EQ(Expand("${EMPTY?none}"), "");
  EXPECT_THAT(Expand("${EMPTY:?give it}"), HasSubstr("EMPTY: give it"));
  EXPECT_THAT(Expand("${NONE?}"), HasSubstr("NONE: is not allowed to be unset"));
  EXPECT_THAT(Expand("${EMPTY:?}"), HasSubstr("EMPTY: is not allowed to be empty"));
}

TEST_F(EarthExpandTest, Quotes) {
  EXPECT_EQ(Expand("'$X'"), "$X");
  EXPECT_EQ(Expand("'\\$X'"), "\\$X");
  EXPECT_EQ(Expand("\"$X '\""), "value '");
  EXPECT_EQ(Expand("\"a\\$b\\\"c\\\\d\\n\""), "a$b\"c\\d\\n");
  EXPECT_EQ(Expand("he\\'llo\\\\"), "he'llo\\");
  EXPECT_EQ(Expand("abc\\tdef\\"), "abctdef");
  EXPECT_EQ(Expand("he'll'o"), "hello");
}

TEST_F(EarthExpandTest, Mistakes) {
  for (const char* word : {"'a", "\"a", "\"a\\\"", "${", "${X", "${}", "${{X}", "${:}", "${X:", "${X:-", "${X:=y}",
                           "${X.}", "$(", "$(a", "$(a 'b)", "$(\"", "he${X?", "${.}"}) {
    EXPECT_THAT(Expand(word), HasSubstr("error: cannot expand")) << word;
  }
  EXPECT_EQ(Expand("${aaa}}"), "}");
}

TEST_F(EarthExpandTest, ShellOuts) {
  EXPECT_EQ(Expand("a$(echo hi)b"), "a<echo hi>b");
  EXPECT_EQ(Expand("\"$(a)$(b)\""), "<a><b>");
  EXPECT_EQ(Expand("$(echo $(date) '(' \")\\\"\" \\))"), "<echo $(date) '(' \")\\\"\" )>");
  EXPECT_EQ(Expand("'$(no)'"), "$(no)");
  EXPECT_EQ(Expand("${NONE:-$(x)}"), "<x>");
  // The command's own variables are the shell's.
  EXPECT_EQ(Expand("$(echo $X)"), "<echo $X>");
}

TEST_F(EarthExpandTest, OneTrailingNewlineIsRemoved) {
  ExpandOptions options;
  options.shell_out = [](std::string_view) -> Checked<std::string> { return "a b\n\n"; };
  const auto result = ExpandWord(
      "$(x)", {}, [](std::string_view) { return std::nullopt; }, options);
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, "a b\n");
}

TEST_F(EarthExpandTest, HomeAndPathComeFromTheBuild) {
  EXPECT_EQ(Expand("$HOME/x:${PATH}"), "<echo $HOME>/x:<echo $PATH>");
  values_["HOME"] = "/root";
  EXPECT_EQ(Expand("$HOME"), "/root");
}

TEST_F(EarthExpandTest, ShellOutsNeedABuild) {
  const auto result = ExpandWord("$(x)", {}, [](std::string_view) { return std::nullopt; }, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().diagnostics().front().kind, diag::Kind::kEarthShellOutNotAllowed);
  const auto path = ExpandWord("a$PATH", {}, [](std::string_view) { return std::nullopt; }, {});
  ASSERT_TRUE(path);
  EXPECT_EQ(*path, "a");
}

TEST_F(EarthExpandTest, Pluses) {
  EXPECT_EQ(Expand("a\\+b"), "a+b");
  EXPECT_EQ(Expand("a\\+b", true), "a\\+b");
  EXPECT_EQ(Expand("\"a\\+$X\"", true), "a\\+value");
  EXPECT_EQ(Expand("\"a\\+$X\""), "a+value");
}

TEST_F(EarthExpandTest, OldRules) {
  EXPECT_EQ(Expand("$(echo $X)", false, true), "$(echo value)");
  EXPECT_EQ(Expand("${X:", false, true), "${X:");
  EXPECT_EQ(Expand("${FILE%.gz}", false, true), "dir/name.tar");
  EXPECT_TRUE(commands_.empty());
}

TEST_F(EarthExpandTest, NamesReadAreReported) {
  Expand("$X ${NONE:-$EMPTY} '$Q' $(echo $SHELL_READS)");
  EXPECT_THAT(read_, UnorderedElementsAre("X", "NONE", "EMPTY"));
  EXPECT_THAT(NamesIn("${A:-$B}${C:+${D}} '$E' \\$F ${G:?x}"), UnorderedElementsAre("A", "B", "C", "D", "G"));
}

TEST_F(EarthExpandTest, StaticQuestions) {
  EXPECT_TRUE(MayShellOut("a$(b)"));
  EXPECT_TRUE(MayShellOut("$HOME"));
  EXPECT_TRUE(MayShellOut("${x"));
  EXPECT_FALSE(MayShellOut("'$(b)'"));
  EXPECT_FALSE(MayShellOut("$X \\$(b"));
  EXPECT_TRUE(IsLiteral("a-b/c"));
  EXPECT_FALSE(IsLiteral("a\\+b"));
  EXPECT_THAT(ShellOutsIn("$(a $(b)) \"$(c)\""), ElementsAre("a $(b)", "c"));
}

TEST_F(EarthExpandTest, NestingIsBounded) {
  std::string word;
  for (int i = 0; i < 100000; ++i) {
    word += "${N:-";
  }
  EXPECT_THAT(Expand(word), HasSubstr("nested too deep"));
}

TEST_F(EarthExpandTest, FailuresOfTheBuildPass) {
  ExpandOptions options;
  options.shell_out = [](std::string_view) -> Checked<std::string> {
    return FailWith({}, Error(ErrorCode::kUnknown, "exit code 3"));
  };
  const auto result = ExpandWord(
      "a$(x)", {}, [](std::string_view) { return std::nullopt; }, options);
  ASSERT_FALSE(result);
  ASSERT_TRUE(result.error().error());
  EXPECT_EQ(result.error().error()->code(), ErrorCode::kUnknown);
}

TEST_F(EarthExpandTest, WordsThatGetTooLong) {
  values_["BIG"] = std::string(kMaxExpandedBytes / 2 + 1, 'b');
  EXPECT_EQ(Expand("$BIG").size(), kMaxExpandedBytes / 2 + 1);
  for (const char* const word : {"$BIG$BIG", "\"${BIG}${BIG}\"", "$BIG${BIG:-x}", "$BIG${X:+$BIG}"}) {
    EXPECT_THAT(Expand(word), HasSubstr("longer than 16 MiB")) << word;
  }
}

}  // namespace
}  // namespace loam::sema::earthfile
