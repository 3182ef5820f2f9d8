// COPY, SAVE ARTIFACT, FROM DOCKERFILE, GIT CLONE, CACHE --persist.
#include "fixture.h"

namespace loam::sema::earthfile {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(Evaluation, CopiesFilesOfTheContext) {
  projects_.files[".earthlyignore"] = "*.o\n!keep.o\n";
  ASSERT_TRUE(
      Run("t:\n  FROM scratch\n  COPY a ./b/ dest\n  COPY --dir --chmod=600 --keep-ts c /d/\n"
          "  COPY --if-exists e* .\n"))
      << Mistakes();
  EXPECT_THAT(Steps(), ElementsAre(R"(local earthfile:. excludepatterns=["*.o","!keep.o"] followpaths=["a","b"])",
                                   "copy /a -> /dest/", "copy /b -> /dest/",
                                   R"(local earthfile:. excludepatterns=["*.o","!keep.o"] followpaths=["c"])",
                                   "copy /c -> /d/ --dir 600 keep-ts",
                                   R"(local earthfile:. excludepatterns=["*.o","!keep.o"] followpaths=["e*"])",
                                   "copy /[e]* -> / if-exists"));
}

TEST_F(Evaluation, CopiesArtifacts) {
  ASSERT_TRUE(
      Run("a:\n  FROM scratch\n  ARG N=1\n  COPY x /out/x\n  SAVE ARTIFACT /out/x bin/\n"
          "t:\n  FROM alpine\n  USER me\n  COPY (+a/bin/x --N=2) sub/\n  COPY --keep-own --dir +a/bin .\n"))
      << Mistakes();
  const std::vector<std::string> steps = Steps();
  EXPECT_THAT(steps, Contains("copy /out/x -> /bin/x --dir keep-own"));
  EXPECT_THAT(steps, Contains("copy /bin/x -> /w/sub/"));
  EXPECT_THAT(steps, Contains("copy /bin -> /w/ --dir keep-own"));
  EXPECT_THAT(steps.back(), "merge");
}

TEST_F(Evaluation, MixesNoArtifactsWithFiles) {
  EXPECT_FALSE(Run("FROM alpine\na:\n  SAVE ARTIFACT x\nt:\n  COPY +a/x y .\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("combining artifacts"));
  EXPECT_FALSE(Run("FROM alpine\na:\n  RUN x\nt:\n  COPY +a/x .\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("no SAVE ARTIFACT command was issued in +a"));
}

TEST_F(Evaluation, WarnsAboutHome) {
  ASSERT_TRUE(Run("FROM alpine\nt:\n  COPY x ~/y\n"));
  EXPECT_THAT(effects_.warnings, Contains(HasSubstr("contains a \"~\"")));
}

TEST_F(Evaluation, SavesArtifactsLocally) {
  projects_.files["sub/Earthfile"] =
      "VERSION 0.8\nFROM alpine\na:\n  SAVE ARTIFACT out/* dist/ AS LOCAL build/\n  SAVE ARTIFACT /etc/x AS LOCAL y\n";
  ASSERT_TRUE(Run("t:\n  BUILD ./sub+a\n")) << Mistakes();
  ASSERT_EQ(outcome_->outputs.artifacts.size(), 2U);
  const ArtifactOutput& first = outcome_->outputs.artifacts[0];
  EXPECT_EQ(first.source, "dist/*");
  EXPECT_EQ(first.destination, "sub/build/");
  EXPECT_EQ(first.artifact, "./sub+a/dist/*");
  EXPECT_EQ(outcome_->outputs.artifacts[1].source, "x");
  EXPECT_EQ(outcome_->outputs.artifacts[1].destination, "sub/y");
  EXPECT_THAT(Steps(first.fs), Contains("copy /w/out/* -> /dist/ --dir"));
}

TEST_F(Evaluation, SavesOutsideNeedForce) {
  EXPECT_FALSE(Run("FROM alpine\nt:\n  SAVE ARTIFACT x AS LOCAL ../y\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("path must be located under"));
  ASSERT_TRUE(Run("FROM alpine\nt:\n  SAVE ARTIFACT --force x AS LOCAL ../y\n"));
  EXPECT_EQ(outcome_->outputs.artifacts[0].destination, "../y");
  EXPECT_FALSE(Run("FROM alpine\nt:\n  SAVE ARTIFACT /\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("cannot save root dir"));
}

TEST_F(Evaluation, OutputsFollowBuildEdgesOnly) {
  const std::string file =
      "FROM alpine\na:\n  SAVE ARTIFACT x AS LOCAL x\n  SAVE IMAGE a\n  BUILD +b\nb:\n  SAVE IMAGE b\n";
  ASSERT_TRUE(Run(file + "t:\n  COPY +a/x .\n")) << Mistakes();
  EXPECT_TRUE(outcome_->outputs.images.empty());
  EXPECT_TRUE(outcome_->outputs.artifacts.empty());
  // All that was evaluated is built.
  EXPECT_GE(outcome_->outputs.states.size(), 1U);
  ASSERT_TRUE(Run(file + "t:\n  COPY +a/x .\n  BUILD +a\n"));
  EXPECT_EQ(outcome_->outputs.images.size(), 2U);
  EXPECT_EQ(outcome_->outputs.artifacts.size(), 1U);
  request_.options.no_output = true;
  ASSERT_TRUE(Run(file + "t:\n  BUILD +a\n"));
  EXPECT_TRUE(outcome_->outputs.images.empty());
  EXPECT_TRUE(outcome_->outputs.artifacts.empty());
}

TEST_F(Evaluation, ModesOfOutput) {
  const std::string file =
      "FROM alpine\na:\n  SAVE IMAGE a\nt:\n  SAVE ARTIFACT f AS LOCAL f\n  SAVE IMAGE t\n  BUILD +a\n";
  request_.options.mode = OutputMode::kImage;
  ASSERT_TRUE(Run(file));
  ASSERT_EQ(outcome_->outputs.images.size(), 1U);
  EXPECT_EQ(outcome_->outputs.images[0].name, "t");
  EXPECT_TRUE(outcome_->outputs.artifacts.empty());
  request_.options.mode = OutputMode::kArtifact;
  ASSERT_TRUE(Run(file, {"+t/f"}));
  ASSERT_TRUE(outcome_->artifact.has_value());
  EXPECT_EQ(outcome_->artifact->source, "/f");
  EXPECT_TRUE(outcome_->outputs.images.empty());
}

TEST_F(Evaluation, CachesPersistOnRequest) {
  ASSERT_TRUE(Run("FROM alpine\nt:\n  CACHE --persist data\n  RUN fill\n"));
  EXPECT_THAT(Steps(), ElementsAre("image docker.io/library/alpine:latest", "mkdir /cache", "exec fill",
                                   "exec /bin/sh -c mkdir -p \"$1\" && cp -a /run/loam-persist/. \"$1\" persist "
                                   "/w/data"));
  ASSERT_TRUE(Run("FROM alpine\na:\n  CACHE data\n  RUN fill\nt:\n  FROM +a\n  RUN look\n"));
  EXPECT_EQ(LastExec()->mounts.size(), 1U);
}

TEST_F(Evaluation, FromDockerfile) {
  projects_.files["sub/Dockerfile"] =
      "ARG V=1\nFROM alpine AS one\nARG V\nRUN one $V\nFROM one\nENV D=d\nCOPY f /f\n"
      "FROM scratch\nCOPY g g\n";
  ASSERT_TRUE(Run("t:\n  FROM DOCKERFILE --build-arg V=2 --target one sub\n  RUN after\n")) << Mistakes();
  EXPECT_THAT(Steps(), ElementsAre("image docker.io/library/alpine:latest", "exec one $V", "exec after"));
  ASSERT_TRUE(Run("t:\n  FROM DOCKERFILE sub\n")) << Mistakes();
  EXPECT_THAT(Steps(), Contains("local earthfile:sub"));
  host_.files["/ctx/Dockerfile"] = "FROM busybox\nCOPY x /x\n";
  ASSERT_TRUE(Run("a:\n  FROM alpine\n  SAVE ARTIFACT ctx\nt:\n  FROM DOCKERFILE +a/ctx\n")) << Mistakes();
  EXPECT_THAT(Steps(), Contains(HasSubstr("copy /x -> /x")));
  projects_.files["sub/Dockerfile"] = "FROM alpine\nRUNX\n";
  EXPECT_FALSE(Run("t:\n  FROM DOCKERFILE sub\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("RUNX"));
}

TEST_F(Evaluation, GitClone) {
  ASSERT_TRUE(Run("FROM alpine\nt:\n  GIT CLONE --branch main https://github.com/a/b.git dir\n")) << Mistakes();
  EXPECT_THAT(Steps(), Contains("git github.com/a/b.git#main"));
  EXPECT_THAT(Steps(), Contains(HasSubstr("copy / -> /w/dir")));
}

}  // namespace
}  // namespace loam::sema::earthfile
