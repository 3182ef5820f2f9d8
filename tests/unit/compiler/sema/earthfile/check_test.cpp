#include "compiler/sema/earthfile/check.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compiler/sema/earthfile/memory_project.h"

namespace loam::sema::earthfile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Files = std::map<std::string, std::string>;

struct CheckedFiles {
  MemoryProjectHost host;
  source::SourceManager sources;
  diag::CollectingConsumer consumer;
  diag::Emitter emitter{consumer};
  CheckSummary summary;

  explicit CheckedFiles(Files files, const std::string& target = "all", const CheckOptions& options = {}) {
    host.files = std::move(files);
    Project project(host, sources, {});
    summary = CheckProject(project, {.git_path = {}, .tag = {}, .local_path = ".", .alias = {}, .name = target},
                           options, emitter);
  }
  // "E Earthfile:3: message", one a finding.
  [[nodiscard]] std::vector<std::string> Findings() const {
    std::vector<std::string> out;
    for (const diag::Diagnostic& diagnostic : consumer.diagnostics()) {
      const source::Buffer* buffer = sources.Find(diagnostic.range.file);
      out.push_back(
          fmt::format("{} {}:{}: {}", diagnostic.is_error() ? "E" : "W", buffer == nullptr ? "" : buffer->name(),
                      buffer == nullptr ? 0 : buffer->lines().Line(diagnostic.range.begin), diagnostic.message));
    }
    return out;
  }
  [[nodiscard]] std::string FirstHint() const {
    return consumer.diagnostics().empty() || consumer.diagnostics().front().hints.empty()
               ? ""
               : consumer.diagnostics().front().hints.front();
  }
};

std::vector<std::string> Check(const std::string& earthfile) {
  return CheckedFiles(Files{{"Earthfile", "VERSION 0.8\n" + earthfile}}).Findings();
}

TEST(CheckProject, AGoodProjectHasNoFindings) {
  const CheckedFiles checked(
      Files{{"Earthfile",
             "VERSION 0.8\nIMPORT ./lib AS l\nFROM alpine\nARG --global tag=1\nall:\n  BUILD +b --x=2\n"
             "  BUILD ./lib+c\n  DO l+F --a=1\n  COPY (+b/out --x=1) .\n  WITH DOCKER --load i=+b\n"
             "    RUN x\n  END\n  SAVE IMAGE me:$tag\nb:\n  ARG x\n  RUN $x\n  SAVE ARTIFACT out\n"},
            {"lib/Earthfile", "VERSION 0.8\nc:\n  FROM a\nF:\n  FUNCTION\n  ARG a\n  RUN $a\n"}});
  EXPECT_THAT(checked.Findings(), IsEmpty());
  EXPECT_TRUE(checked.summary.ok);
  EXPECT_EQ(checked.summary.files, 2U);
  EXPECT_EQ(checked.summary.targets, 3U);
  EXPECT_EQ(checked.summary.functions, 1U);
}

TEST(CheckProject, AMatrixHasALimit) {
  const auto build = [](int args) {
    std::string line = "all:\n  FROM scratch\n  BUILD +b";
    std::string target = "\nb:\n  FROM scratch\n";
    for (int arg = 0; arg < args; ++arg) {
      target += fmt::format("  ARG a{}\n  RUN $a{}\n", arg, arg);
      for (int value = 0; value < 10; ++value) {
        line += fmt::format(" --a{}={}", arg, value);
      }
    }
    return line + target;
  };
  EXPECT_THAT(Check(build(4)), IsEmpty());
  EXPECT_THAT(Check(build(7)), ElementsAre(HasSubstr("more than 10000 combinations")));
}

TEST(CheckProject, TellsAllMistakesOfAllFilesAtOnce) {
  const CheckedFiles checked(Files{{"Earthfile",
                                    "VERSION 0.8\nFROM a\nall:\n  BUILD +buidl\n  BUILD ./lib+c\n  BUILD ./none+c\n"
                                    "  BUILD nobody+c\n  RUN --pusch x\nbuild:\n  RUN y\n"},
                                   {"lib/Earthfile", "VERSION 0.8\nc:\n  RUN x\n  ADD a b\n"}});
  EXPECT_THAT(checked.Findings(),
              ElementsAre(HasSubstr("no target `buidl`"), HasSubstr("no Earthfile"), HasSubstr("import named `nobody`"),
                          HasSubstr("no flag `--pusch`"), HasSubstr("cannot apply RUN: requires a FROM"),
                          HasSubstr("`ADD` is not supported")));
  for (const diag::Diagnostic& diagnostic : checked.consumer.diagnostics()) {
    EXPECT_TRUE(diagnostic.is_error()) << diagnostic.message;
  }
  EXPECT_THAT(checked.FirstHint(), HasSubstr("build"));
  EXPECT_FALSE(checked.summary.ok);
}

TEST(CheckProject, CommandsWithTooFewOrTooManyWords) {
  const CheckedFiles checked(Files{
      {"Earthfile",
       "VERSION --try 0.8\nFROM a\nall:\n  USER\n  WORKDIR a b\n  VOLUME\n  EXPOSE\n  COPY x\n  SAVE ARTIFACT\n"
       "  SAVE ARTIFACT a b c\n  SAVE IMAGE --push\n  GIT CLONE x\n  HOST a\n  CACHE\n  HEALTHCHECK NONE x\n"
       "  BUILD --pass-args\n  DO --pass-args\n  LOCALLY x\n  WAIT x\n    RUN y\n  END\n  FOR a b c\n    RUN y\n  END\n"
       "  FROM DOCKERFILE\n  WITH DOCKER\n    RUN a\n    RUN b\n  END\n  TRY\n    COPY a b\n  FINALLY\n    RUN c\n  "
       "END\n"
       "  IMPORT a b\n"}});
  std::vector<std::string> found = checked.Findings();
  EXPECT_THAT(
      found,
      ElementsAre(HasSubstr("E Earthfile:4: bad arguments of USER: invalid number of arguments for USER: it takes one"),
                  HasSubstr(":5: bad arguments of WORKDIR"), HasSubstr(":6: bad arguments of VOLUME: no arguments"),
                  HasSubstr(":7: bad arguments of EXPOSE"), HasSubstr(":8: bad arguments of COPY: not enough COPY"),
                  HasSubstr(":9: bad arguments of SAVE ARTIFACT: no arguments provided"),
                  HasSubstr(":10: bad arguments of SAVE ARTIFACT: invalid arguments"),
                  HasSubstr(":11: bad arguments of SAVE IMAGE"), HasSubstr(":12: bad arguments of GIT CLONE"),
                  HasSubstr(":13: bad arguments of HOST"), HasSubstr(":14: bad arguments of CACHE"),
                  HasSubstr(":15: bad arguments of HEALTHCHECK"), HasSubstr(":16: bad arguments of BUILD"),
                  HasSubstr(":17: bad arguments of DO"), HasSubstr(":18: bad arguments of LOCALLY"),
                  HasSubstr(":19: bad arguments of WAIT: WAIT does not accept any options"),
                  HasSubstr(":22: bad arguments of FOR: expected IN, got b"),
                  HasSubstr(":25: bad arguments of FROM DOCKERFILE"),
                  HasSubstr(":28: WITH DOCKER: only one command is allowed"), HasSubstr(":30: TRY body must"),
                  HasSubstr(":35: bad arguments of IMPORT")));
}

TEST(CheckProject, WordsThatFit) {
  EXPECT_THAT(
      Check("FROM a\nPROJECT o/p\nARG --global G\nall:\n  USER $G\n  WORKDIR \"a b\"\n  VOLUME [\"/a\"]\n  EXPOSE 1 2\n"
            "  CMD\n  COPY --dir a b c\n  SAVE ARTIFACT a b AS LOCAL c\n  SAVE IMAGE\n  SAVE IMAGE --push x y\n"
            "  GIT CLONE --branch b u d\n  HOST a 1.2.3.4\n  CACHE --id x /c\n  HEALTHCHECK CMD x\n"
            "  FOR --sep , a IN b c\n    RUN $a\n  END\n"),
      IsEmpty());
}

// The reference finds these only when it comes by, which it may never do.
TEST(CheckProject, WhatMayNotBeEvaluatedIsAWarning) {
  const CheckedFiles checked(Files{{"Earthfile",
                                    "VERSION 0.8\nFROM a\nall:\n  IF x\n    BUILD +none\n  ELSE\n    SHELL x\n  END\n"
                                    "  FOR i IN a\n    RUN --no x\n    BUILD +b\n  END\nb:\n  DO +NONE\n"}});
  ASSERT_EQ(checked.Findings().size(), 4U);
  for (const diag::Diagnostic& diagnostic : checked.consumer.diagnostics()) {
    EXPECT_FALSE(diagnostic.is_error()) << diagnostic.message;
  }
  EXPECT_TRUE(checked.summary.ok);
}

TEST(CheckProject, DynamicNamesAreSkipped) {
  EXPECT_THAT(Check("FROM a\nARG --global t=x\nIMPORT ./$t AS dyn\nall:\n  BUILD +$t\n  BUILD \"./$t+x\"\n"
                    "  COPY $t/x .\n  BUILD dyn+x\n  FROM $t\n"),
              IsEmpty());
}

TEST(CheckProject, FindsCyclesWithoutACondition) {
  const CheckedFiles checked(
      Files{{"Earthfile",
             "VERSION 0.8\nFROM a\nall:\n  BUILD +b\nb:\n  COPY +c/x .\nc:\n  FROM +b\nd:\n  IF x\n"
             "    BUILD +d\n  END\n"}});
  ASSERT_THAT(checked.Findings(), ElementsAre(HasSubstr("E Earthfile:8: infinite cycle detected for target +b")));
  EXPECT_THAT(checked.consumer.diagnostics().front().notes, ElementsAre("+b → +c → +b"));
}

TEST(CheckProject, ErrorsTellTheChainOfCallsWithItsArgs) {
  const CheckedFiles checked(
      Files{{"Earthfile",
             "VERSION 0.8\nIMPORT ./lib AS l\nFROM a\nARG --global g=1\nall:\n  ARG x=2\n  BUILD +b --y=3 --y2=$x\n"
             "  ARG late\nb:\n  ARG x\n  ARG y\n  ARG y2\n  ARG TARGETARCH\n  DO l+F --z=1\n"},
            {"lib/Earthfile", "VERSION 0.8\nF:\n  FUNCTION\n  ARG z\n  RUN --nonsense x\n"}},
      "all", {.chains = true, .args = {{"x", "given"}}});
  ASSERT_EQ(checked.consumer.diagnostics().size(), 1U);
  EXPECT_THAT(checked.consumer.diagnostics().front().notes,
              ElementsAre("in function ./lib+F, referenced at Earthfile:14:6",
                          "in +b --x=given --y=3 --y2=$x, referenced at Earthfile:7:9", "in +all --x=given"));
}

// The diagnostics of a file are at places in it; the chain is that of the command that names it.
TEST(CheckProject, TheChainOfMistakesInOtherFiles) {
  const CheckedFiles checked(Files{{"Earthfile", "VERSION 0.8\nall:\n  ARG x=1\n  BUILD ./b+x\n"},
                                   {"b/Earthfile", "VERSION 0.8\nx:\n  FRON a\n"}},
                             "all", {.chains = true});
  ASSERT_EQ(checked.consumer.diagnostics().size(), 1U);
  EXPECT_THAT(checked.consumer.diagnostics().front().notes, ElementsAre("in +all --x=1"));
}

TEST(CheckProject, AFunctionMayBringTheEnvironment) {
  EXPECT_THAT(Check("all:\n  DO +F\n  RUN x\nF:\n  FUNCTION\n  FROM a\n"), IsEmpty());
}

TEST(CheckProject, TheBaseRecipeCannotUseItsTargets) {
  EXPECT_THAT(Check("FROM +all\nall:\n  RUN x\n"), ElementsAre(HasSubstr("infinite cycle")));
}

TEST(CheckProject, ArgsThatNobodyDeclares) {
  const CheckedFiles checked(Files{{"Earthfile",
                                    "VERSION 0.8\nFROM a\nall:\n  BUILD +b --versoin=1 --inner=2\nb:\n  ARG version\n"
                                    "  BUILD +c --other=$version\nc:\n  ARG inner\n  ARG other\n  RUN x\n"}});
  EXPECT_THAT(checked.Findings(), ElementsAre("W Earthfile:4: neither +b nor what it uses has an ARG `versoin`"));
  EXPECT_EQ(checked.FirstHint(), "did you mean `--version`?");
}

TEST(CheckProject, AskedArgsThatNobodyDeclares) {
  const std::string file =
      "VERSION 0.8\nFROM a\nARG --global tag\nall:\n  BUILD +b\n  DO +F\nb:\n  ARG version\n  RUN $version\n"
      "F:\n  FUNCTION\n  ARG inner\n  RUN $inner\n";
  CheckOptions options;
  options.asked = {{"tag", ""}, {"version", ""}, {"inner", ""}};
  EXPECT_THAT(CheckedFiles({{"Earthfile", file}}, "all", options).Findings(), IsEmpty());
  options.asked = {{"versoin", ""}, {"push", "flags come first"}, {"other", ""}};
  const CheckedFiles checked({{"Earthfile", file}}, "all", options);
  EXPECT_THAT(checked.Findings(), ElementsAre("W :0: neither +all nor what it uses has an ARG `other`",
                                              "W :0: neither +all nor what it uses has an ARG `push`",
                                              "W :0: neither +all nor what it uses has an ARG `versoin`"));
  std::vector<std::string> hints;
  for (const diag::Diagnostic& diagnostic : checked.consumer.diagnostics()) {
    hints.push_back(diagnostic.hints.front());
  }
  EXPECT_THAT(hints,
              ElementsAre("declare it where it is used: `ARG other`", "flags come first", "did you mean `--version`?"));
}

TEST(CheckProject, AskedArgsMayBeForWhatIsNotKnown) {
  CheckOptions options;
  options.asked = {{"x", ""}};
  EXPECT_THAT(
      CheckedFiles({{"Earthfile", "VERSION 0.8\nFROM a\nall:\n  ARG t=+b\n  BUILD $t\n"}}, "all", options).Findings(),
      IsEmpty());
}

TEST(CheckProject, VariablesThatAreDeclaredTwiceUnusedOrUnknown) {
  EXPECT_THAT(
      Check("FROM a\nall:\n  ARG x\n  ARG x\n  LET y = 1\n  LET y = 2\n  SET x = 3\n  SET z = 1\n  RUN $y\n"),
      ElementsAre(HasSubstr("E Earthfile:5: `x` is declared twice"), HasSubstr("E Earthfile:7: `y` is declared twice"),
                  HasSubstr("E Earthfile:8: `x` is an ARG"), HasSubstr("there is no variable `z` to SET")));
  EXPECT_THAT(Check("FROM a\nARG --global g=1\nall:\n  SET g = 2\n"), ElementsAre(HasSubstr("`g` is an ARG")));
  EXPECT_THAT(Check("FROM a\nall:\n  ARG used\n  RUN make\n  ARG unused=1\n  LET other = 2\n  SAVE IMAGE x\n"),
              ElementsAre("W Earthfile:6: `unused` is never used", "W Earthfile:7: `other` is never used"));
  EXPECT_THAT(Check("FROM a\nall:\n  ARG version\n  SAVE IMAGE x:$verison y:$version\n"),
              ElementsAre("W Earthfile:5: there is no variable `verison`"));
  EXPECT_THAT(Check("FROM a\nall:\n  IF x\n    ARG y\n  ELSE\n    ARG y\n  END\n  RUN $y\n"), IsEmpty());
}

TEST(CheckProject, ConditionsThatAreConstant) {
  EXPECT_THAT(Check("FROM a\nall:\n  IF [ \"a\" = 'b' ]\n    RUN x\n  ELSE IF false\n    RUN y\n  END\n"
                    "  IF true\n    RUN z\n  ELSE\n    RUN w\n  END\n  IF [ -n \"$x\" ]\n  END\n"),
              ElementsAre("W Earthfile:4: the condition is always false: the branch never runs",
                          "W Earthfile:6: the condition is always false: the branch never runs",
                          "W Earthfile:9: the condition is always true: what follows the branch never runs"));
}

TEST(CheckProject, CommandsThatTheVersionDoesNotHave) {
  const CheckedFiles checked(
      Files{{"Earthfile", "VERSION 0.6\nFROM a\nall:\n  CACHE x\n  WAIT\n    BUILD +b\n  END\nb:\n  LET x = 1\n"}});
  EXPECT_THAT(checked.Findings(),
              ElementsAre(HasSubstr("CACHE command is not supported"), HasSubstr("WAIT command is not supported"),
                          HasSubstr("--arg-scope-and-set must be enabled")));
}

TEST(CheckProject, WholeFilesAreLookedAtOnRequest) {
  const Files files = {{"Earthfile", "VERSION 0.8\nFROM a\nall:\n  RUN x\nother:\n  BUILD +none\nF:\n  RUN y\n"}};
  EXPECT_THAT(CheckedFiles(files).Findings(), IsEmpty());
  const CheckedFiles whole(files, "all", {.whole_files = true});
  EXPECT_THAT(whole.Findings(), ElementsAre(HasSubstr("W Earthfile:6: Earthfile has no target `none`"),
                                            HasSubstr("function `F` does not start with FUNCTION")));
  EXPECT_TRUE(whole.summary.ok);
}

TEST(CheckProject, SyntaxErrorsAndMissingVersionsOfOtherFiles) {
  const CheckedFiles checked(
      Files{{"Earthfile", "VERSION 0.8\nFROM a\nall:\n  BUILD ./b+x\n  BUILD ./b+y\n  BUILD ./c+x\n"},
            {"b/Earthfile", "VERSION 0.8\nx:\n  FRON a\n"},
            {"c/Earthfile", "x:\n  FROM a\n"}});
  EXPECT_THAT(checked.Findings(), ElementsAre(HasSubstr("unknown command `FRON`"), HasSubstr("has no VERSION")));
}

}  // namespace
}  // namespace loam::sema::earthfile
