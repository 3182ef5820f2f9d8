#include "compiler/lint/shell_words.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"

namespace loam::lint::shell {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Each command as its words with `|` between them; assignments in front, in parentheses.
std::vector<std::string> Read(std::string_view text) {
  std::vector<std::string> out;
  for (const Command& command : ReadScript(text).commands) {
    std::vector<std::string> words;
    for (const Word& word : command.assignments) {
      words.push_back("(" + word.text + ")");
    }
    for (const Word& word : command.words) {
      words.push_back(word.text);
    }
    out.push_back(Join(words, "|"));
  }
  return out;
}

TEST(ShellWords, SplitsListsAndPipes) {
  EXPECT_THAT(Read("a 1 && b 2 || c; d | e & f\ng"), ElementsAre("a|1", "b|2", "c", "d", "e", "f", "g"));
  EXPECT_TRUE(ReadScript("a | b").has_pipe);
  EXPECT_FALSE(ReadScript("a || b").has_pipe);
  EXPECT_FALSE(ReadScript("echo 'a | b' \"c | d\" e\\|f").has_pipe);
}

TEST(ShellWords, RemovesQuotesAndEscapes) {
  EXPECT_THAT(Read(R"(a 'b c' "d \" $e" f\ g h"i"'j' "\n" $'k\'l')"), ElementsAre(R"(a|b c|d " $e|f g|hij|\n|k'l)"));
  EXPECT_THAT(Read("a b\\\n c \\\n&& d"), ElementsAre("a|b|c", "d"));
  EXPECT_THAT(Read("a ''"), ElementsAre("a|"));
}

TEST(ShellWords, LooksIntoSubshellsAndSubstitutions) {
  EXPECT_THAT(Read("(cd /x; make) && echo \"$(id -u)\" `date +%s`"),
              ElementsAre("cd|/x", "make", "echo|$(id -u)|`date +%s`", "id|-u", "date|+%s"));
  EXPECT_THAT(Read("a $((1 + (2))) ${b:-$(c)} $d"), ElementsAre("a|$((1 + (2)))|${b:-$(c)}|$d"));
  EXPECT_THAT(Read("diff <(sort a) b"), ElementsAre("diff|<(sort a)|b", "sort|a"));
}

TEST(ShellWords, LeavesOutRedirectionsAndComments) {
  EXPECT_THAT(Read("a >out 2>&1 <in b >> c &>d e # f; g"), ElementsAre("a|b|e"));
  EXPECT_THAT(Read("cat <<EOF > x\nrm -rf /\nEOF\nb"), ElementsAre("cat", "b"));
  EXPECT_THAT(Read("cat <<-'E'\n\tx\n\tE\nb <<<word c"), ElementsAre("cat", "b|c"));
  EXPECT_THAT(Read("a#b #c"), ElementsAre("a#b"));
}

TEST(ShellWords, KnowsCompoundCommands) {
  EXPECT_THAT(Read("if a; then b; elif c; then d; else e; fi; f"), ElementsAre("a", "b", "c", "d", "e", "f"));
  EXPECT_THAT(Read("for x in 1 2; do a $x; done; while ! b; do c; done"), ElementsAre("a|$x", "b", "c"));
  EXPECT_THAT(Read("case $x in a|b) c ;; (d) e;; *) f;; esac; g"), ElementsAre("c", "e", "f", "g"));
  EXPECT_FALSE(ReadScript("case $x in a|b) c ;; esac").has_pipe);
  EXPECT_THAT(Read("f() { a; }; function g { b; }; { c; }"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Read("[[ a < b && c ]] && d; ((x++)); e"), ElementsAre("d", "e"));
}

TEST(ShellWords, TellsAssignmentsFromCommands) {
  EXPECT_THAT(Read("A=1 B='2 3' c D=4; E=5; F=(1 2) g"), ElementsAre("(A=1)|(B=2 3)|c|D=4", "(E=5)", "(F=)|g"));
}

TEST(ShellWords, HasThePlacesOfWords) {
  const std::string_view text = "a && apt-get  'install' x";
  const Script script = ReadScript(text);
  ASSERT_EQ(script.commands.size(), 2U);
  const Word& word = script.commands[1].words[1];
  EXPECT_EQ(text.substr(word.begin, word.end - word.begin), "'install'");
  EXPECT_EQ(text.substr(script.commands[1].begin, script.commands[1].end - script.commands[1].begin),
            "apt-get  'install' x");
}

TEST(ShellWords, SurvivesWhatIsNotClosed) {
  for (const std::string_view text : {"a 'b", "a \"b", "a $(b", "a `b", "a ${b", "(a", "a <<", "case x in", "a \\",
                                      "for", "[[ x", "a $((1", "$'", ")", "`", "a )b", "<(", "&>", "f()"}) {
    Read(text);
  }
  EXPECT_THAT(Read("a $(b"), ElementsAre("a|$(b", "b"));
}

TEST(ShellWords, BoundsItsDepth) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) {
    deep += "$(a ";
  }
  EXPECT_LE(ReadScript(deep).commands.size(), 100001U);
  std::string subshells;
  for (int i = 0; i < 100000; ++i) {
    subshells += "( ";
  }
  EXPECT_THAT(Read(subshells + "a"), ElementsAre("a"));
  EXPECT_THAT(Read(""), IsEmpty());
}

TEST(ShellWords, ReadsOptions) {
  const Script script = ReadScript("apt-get -qq -o A=b install --yes --target-release=x -t y pkg -u123456");
  const Command& command = script.commands[0];
  EXPECT_EQ(command.CountOption("q"), 2);
  EXPECT_TRUE(command.HasOption("yes"));
  EXPECT_FALSE(command.HasOption("ye"));
  EXPECT_FALSE(command.HasOption("y"));
  EXPECT_EQ(command.OptionValue("target-release"), "x");
  EXPECT_EQ(command.OptionValue("t"), "y");
  EXPECT_EQ(command.OptionValue("u"), "123456");
  EXPECT_THAT(command.Operands({"o", "t"}), ElementsAre("install", "pkg"));
}

TEST(ShellWords, ReadsExecForms) {
  EXPECT_THAT(ReadArguments({"apt-get", "install", "x y"}).commands[0].Arguments(), ElementsAre("install", "x y"));
  EXPECT_EQ(ReadArguments({"/bin/bash", "-ec", "a && b"}).commands.size(), 2U);
  EXPECT_TRUE(ReadArguments({}).commands.empty());
}

}  // namespace
}  // namespace loam::lint::shell
