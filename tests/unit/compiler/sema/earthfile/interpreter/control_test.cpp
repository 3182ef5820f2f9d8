// IF, FOR, WAIT, TRY, functions, LOCALLY, WITH DOCKER.
#include "fixture.h"

#include "compiler/sema/earthfile/docker_script.h"

namespace loam::sema::earthfile {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(Evaluation, ConditionsChooseBranches) {
  host_.answers["[ \"$X\" = 1 ]"] = {1, ""};
  const std::string file =
      "FROM alpine\nt:\n  ARG X=2\n  IF [ \"$X\" = 1 ]\n    RUN one\n  ELSE IF two?\n    RUN two\n"
      "  ELSE\n    RUN other\n  END\n";
  ASSERT_TRUE(Run(file)) << Mistakes();
  EXPECT_THAT(Steps(), Contains("exec two"));
  host_.answers["two?"] = {127, ""};
  ASSERT_TRUE(Run(file));
  EXPECT_THAT(Steps(), Contains("exec other"));
}

TEST_F(Evaluation, LoopsSplitWhatTheShellSays) {
  host_.answers["echo $(ls)"] = {0, "a  b\nc\n"};
  ASSERT_TRUE(Run("FROM alpine\nt:\n  FOR f IN $(ls)\n    RUN echo $f\n  END\n  RUN end\n")) << Mistakes();
  EXPECT_EQ(Steps().size(), 5U);
  host_.answers["echo a,b"] = {0, "a,b\n"};
  ASSERT_TRUE(
      Run("FROM alpine\nt:\n  LET sum=\"\"\n  FOR --sep=, f IN a,b\n    SET sum=$sum-$f\n  END\n"
          "  RUN end\n"));
  EXPECT_THAT(LastEnv(), Contains("sum=-a-b"));
}

TEST_F(Evaluation, WaitPerformsWhatItHolds) {
  ASSERT_TRUE(
      Run("FROM alpine\na:\n  RUN a\n  SAVE IMAGE a\nt:\n  WAIT\n    BUILD +a\n    SAVE ARTIFACT x AS LOCAL x\n"
          "  END\n  SAVE IMAGE t\n"))
      << Mistakes();
  ASSERT_EQ(effects_.performed.size(), 1U);
  EXPECT_EQ(effects_.performed[0].images.size(), 1U);
  EXPECT_EQ(effects_.performed[0].artifacts.size(), 1U);
  ASSERT_EQ(outcome_->outputs.images.size(), 1U);
  EXPECT_EQ(outcome_->outputs.images[0].name, "t");
}

TEST_F(Evaluation, WaitOfATargetThatIsEnabledLater) {
  ASSERT_TRUE(
      Run("FROM alpine\na:\n  WAIT\n    SAVE IMAGE a\n  END\n  SAVE ARTIFACT x\nt:\n  COPY +a/x .\n  BUILD +a\n"));
  ASSERT_EQ(effects_.performed.size(), 2U);
  EXPECT_TRUE(effects_.performed[0].images.empty());
  EXPECT_EQ(effects_.performed[1].images.size(), 1U);
}

TEST_F(Evaluation, FilesThatTheBuildWritesAreNotCopied) {
  EXPECT_FALSE(Run("FROM alpine\nt:\n  WAIT\n    SAVE ARTIFACT x AS LOCAL data\n  END\n  COPY data .\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("unable to copy file data, which has is outputted elsewhere"));
}

TEST_F(Evaluation, TryKeepsFilesOfTheFailure) {
  const std::string version = "VERSION --try 0.8\nFROM alpine\nt:\n";
  ASSERT_TRUE(Run(version + "  TRY\n    RUN test\n  FINALLY\n    SAVE ARTIFACT log AS LOCAL out/\n  END\n"))
      << Mistakes();
  ASSERT_EQ(effects_.tries.size(), 1U);
  EXPECT_EQ(effects_.tries[0].files.at(0).source, "/w/log");
  EXPECT_EQ(effects_.tries[0].files.at(0).destination, "out/");
  EXPECT_EQ(outcome_->outputs.artifacts.size(), 1U);
  EXPECT_FALSE(Run(version + "  TRY\n    RUN test\n  CATCH\n    RUN x\n  END\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("doesn't (currently) support CATCH"));
}

TEST_F(Evaluation, FunctionsChangeTheCaller) {
  projects_.files["lib/Earthfile"] =
      "VERSION 0.8\nARG --global G=lib\nADD_ALL:\n  FUNCTION\n  ARG X=default\n  COPY f /f\n  ENV E=$X$G\n  WORKDIR "
      "/d\n";
  ASSERT_TRUE(Run("FROM alpine\nt:\n  ARG X=caller\n  DO ./lib+ADD_ALL --X=given\n  RUN end\n")) << Mistakes();
  EXPECT_THAT(LastEnv(), Contains("E=givenlib"));
  EXPECT_THAT(LastEnv(), Contains("X=caller"));
  EXPECT_EQ(LastExec()->cwd, "/d");
  EXPECT_THAT(Steps(), Contains(HasSubstr("local earthfile:. ")));
  EXPECT_FALSE(Run("FROM alpine\nF:\n  FUNCTION\n  DO +F\nt:\n  DO +F\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("infinite cycle detected"));
}

TEST_F(Evaluation, LocallyRunsOnTheHost) {
  effects_.answers["echo hi"] = {0, "hi\n"};
  ASSERT_TRUE(
      Run("a:\n  FROM alpine\n  SAVE ARTIFACT x\nt:\n  LOCALLY\n  ARG V=$(echo hi)\n  RUN make $V\n"
          "  WORKDIR sub\n  COPY +a/x ./y\n  SAVE ARTIFACT out\n"))
      << Mistakes();
  EXPECT_THAT(effects_.log, ElementsAre("local echo hi", "local make $V", "export /x -> /project/sub/./y",
                                        "import /project/sub/out -> out"));
  EXPECT_EQ(effects_.commands[1].directory, "/project");
  EXPECT_THAT(effects_.commands[1].env, Contains("V=hi"));
  effects_.answers["false"] = {3, ""};
  EXPECT_FALSE(Run("t:\n  LOCALLY\n  RUN false\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("Exit code 3"));
  EXPECT_FALSE(Run("t:\n  LOCALLY\n  COPY x .\n"));
  EXPECT_FALSE(Run("t:\n  LOCALLY\n  RUN --secret X x\n"));
  request_.options.strict = true;
  EXPECT_FALSE(Run("t:\n  LOCALLY\n  RUN x\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("LOCALLY cannot be used when --strict is specified"));
}

TEST_F(Evaluation, WithDockerRunsADaemon) {
  request_.options.allow_privileged = true;
  effects_.layouts = true;
  ASSERT_TRUE(
      Run("a:\n  FROM alpine\n  RUN a\n  SAVE IMAGE app:1\nt:\n  FROM alpine\n"
          "  WITH DOCKER --load +a --load other=+a --pull busybox\n    RUN docker run app:1\n  END\n"))
      << Mistakes();
  const std::vector<std::string> steps = Steps();
  EXPECT_THAT(steps, Contains("exec /bin/sh /run/loam-docker/install"));
  EXPECT_THAT(steps.back(), "exec /bin/sh /run/loam-docker/daemon /bin/sh -c docker run app:1");
  EXPECT_THAT(steps, Contains("local layout:app:1"));
  EXPECT_THAT(steps, Contains("local layout:busybox"));
  EXPECT_EQ(LastExec()->security, ir::Security::kInsecure);
  EXPECT_EQ(LastExec()->mounts.back().dest, "/var/lib/loam-docker");
  EXPECT_FALSE(Run("t:\n  FROM alpine\n  WITH DOCKER\n    RUN a\n    RUN b\n  END\n"));
  request_.options.allow_privileged = false;
  EXPECT_FALSE(Run("t:\n  FROM alpine\n  WITH DOCKER\n    RUN a\n  END\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("-P"));
}

TEST_F(Evaluation, ComposeImagesArePulledUnlessLoaded) {
  request_.options.allow_privileged = true;
  host_.answers["/bin/sh /run/loam-docker/compose-config"] = {
      0, "name: x\nservices:\n  db:\n    image: postgres:1\n  web:\n    image: app:1\n  off:\n    image: \"none\"\n"};
  ASSERT_TRUE(
      Run("a:\n  FROM scratch\nt:\n  FROM alpine\n"
          "  WITH DOCKER --compose c.yml --service db --service web --load app:1=+a\n    RUN x\n  END\n"))
      << Mistakes();
  EXPECT_THAT(host_.resolved, ElementsAre("docker.io/library/alpine:latest", "docker.io/library/postgres:1"));
}

TEST_F(Evaluation, ImportsOfTargetsWinOverThoseOfTheFile) {
  projects_.files["x/Earthfile"] = "VERSION 0.8\nFROM scratch\nt:\n  COPY x .\n";
  projects_.files["y/Earthfile"] = "VERSION 0.8\nFROM scratch\nt:\n  COPY y .\n";
  ASSERT_TRUE(Run("IMPORT ./x AS p\nt:\n  IMPORT ./y AS p\n  FROM p+t\n")) << Mistakes();
  EXPECT_THAT(Steps(), Contains(HasSubstr("local earthfile:y")));
}

TEST_F(Evaluation, WildcardsInTargets) {
  projects_.files["a/1/Earthfile"] = "VERSION 0.8\nFROM scratch\nx:\n  SAVE IMAGE one\n";
  projects_.files["a/2/Earthfile"] = "VERSION 0.8\nFROM scratch\nx:\n  SAVE IMAGE two\n";
  projects_.files["a/3/Earthfile"] = "VERSION 0.8\nFROM scratch\ny:\n  SAVE IMAGE three\n";
  ASSERT_TRUE(Run("VERSION --wildcard-builds 0.8\nt:\n  BUILD ./a/*+x\n")) << Mistakes();
  EXPECT_EQ(outcome_->outputs.images.size(), 2U);
  EXPECT_FALSE(Run("t:\n  BUILD ./a/*+x\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("wildcard-builds"));
}

}  // namespace
}  // namespace loam::sema::earthfile
