// FROM, RUN, WORKDIR, ENV, variables, targets.
#include <chrono>
#include <condition_variable>

#include <fmt/format.h>

#include "fixture.h"

namespace loam::sema::earthfile {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Evaluation, RunsCommandsOnAnImage) {
  ASSERT_TRUE(Run("t:\n  FROM alpine:3.18\n  RUN echo hello\n  RUN [\"printf\", \"a b\"]\n")) << Mistakes();
  EXPECT_THAT(Steps(), ElementsAre("image docker.io/library/alpine:3.18", "exec echo hello", "exec printf a b"));
  EXPECT_THAT(LastEnv(), ElementsAre("PATH=/bin", "FROM_IMAGE=1"));
  EXPECT_EQ(LastExec()->cwd, "/w");
  EXPECT_EQ(LastExec()->args.size(), 2U);
}

TEST_F(Evaluation, NamesStepsByTarget) {
  ASSERT_TRUE(Run("t:\n  FROM alpine\n  ARG A=1\n  RUN --no-cache make $A\n"));
  const std::string text = Text(outcome_->roots[0]);
  EXPECT_THAT(text, HasSubstr("+t | RUN --no-cache make $A"));
  EXPECT_THAT(text, HasSubstr("Earthfile:5:3"));
}

TEST_F(Evaluation, NeedsAFrom) {
  EXPECT_FALSE(Run("t:\n  RUN make\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("apply RUN: requires a FROM"));
  EXPECT_FALSE(Run("t:\n  IF true\n    RUN x\n  END\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("apply IF: requires a FROM"));
}

TEST_F(Evaluation, TargetsStartFromBase) {
  ASSERT_TRUE(Run("FROM alpine\nARG --global G=g\nARG L=l\nENV E=e\nWORKDIR /x\nt:\n  RUN make\n")) << Mistakes();
  EXPECT_THAT(Steps(), ElementsAre("image docker.io/library/alpine:latest", "mkdir /x", "exec make"));
  EXPECT_THAT(LastEnv(), ElementsAre("PATH=/bin", "FROM_IMAGE=1", "E=e", "G=g"));
  EXPECT_EQ(LastExec()->cwd, "/x");
}

TEST_F(Evaluation, LetBeatsArgBeatsEnvBeatsGlobal) {
  ASSERT_TRUE(Run("FROM alpine\nARG --global V=global\nt:\n  ENV V=env\n  RUN one\n"));
  EXPECT_THAT(LastEnv(), Contains("V=env"));
  ASSERT_TRUE(Run("FROM alpine\nARG --global V=global\nt:\n  ENV V=env\n  ARG V=arg\n  RUN one\n"));
  EXPECT_THAT(LastEnv(), Contains("V=arg"));
}

TEST_F(Evaluation, ArgumentsFlowToTargetsOfTheSameFile) {
  request_.args = {{"V", "outside"}};
  ASSERT_TRUE(Run("FROM alpine\na:\n  ARG V=inside\n  RUN echo $V\nt:\n  FROM +a\n"));
  EXPECT_THAT(LastEnv(), Contains("V=outside"));
}

TEST_F(Evaluation, ATargetThatDoesNotReadAnArgumentIsOneNode) {
  ASSERT_TRUE(Run("FROM alpine\na:\n  RUN make\n  SAVE IMAGE app\nt:\n  BUILD +a --X=1 --X=2\n")) << Mistakes();
  EXPECT_EQ(outcome_->outputs.images.size(), 1U);
  EXPECT_FALSE(Run("FROM alpine\na:\n  ARG X\n  RUN make\n  SAVE IMAGE app\nt:\n  BUILD +a --X=1 --X=2\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("SAVE IMAGE app"));
}

TEST_F(Evaluation, Matrix) {
  ASSERT_TRUE(
      Run("FROM alpine\na:\n  ARG A\n  ARG B\n  RUN $A$B\n  SAVE IMAGE x:$A-$B\n"
          "t:\n  BUILD +a --A=1 --A=2 --B=3 --B=4\n"))
      << Mistakes();
  std::vector<std::string> names;
  for (const ImageOutput& image : outcome_->outputs.images) {
    names.push_back(image.name);
  }
  EXPECT_THAT(names, ElementsAre("x:1-3", "x:1-4", "x:2-3", "x:2-4"));
}

TEST_F(Evaluation, FindsCycles) {
  EXPECT_FALSE(Run("FROM alpine\na:\n  BUILD +t\nt:\n  BUILD +a\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("infinite cycle detected"));
  EXPECT_FALSE(Run("FROM alpine\nt:\n  ARG N=0\n  BUILD +t --N=x$N\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("infinite cycle detected"));
}

TEST_F(Evaluation, ShellOutsRunWhereTheyAre) {
  host_.answers["uname -m"] = {0, "x86\n"};
  ASSERT_TRUE(Run("FROM alpine\nt:\n  ARG M=$(uname -m)\n  RUN echo $M\n")) << Mistakes();
  EXPECT_THAT(LastEnv(), Contains("M=x86"));
  host_.answers["false"] = {1, ""};
  EXPECT_FALSE(Run("FROM alpine\nt:\n  LET x=$(false)\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("Exit code 1"));
}

TEST_F(Evaluation, BuildsBeginAheadOnThreads) {
  request_.options.parallelism = 8;
  std::string file = "FROM alpine\n";
  std::string all = "t:\n";
  for (int i = 0; i < 40; ++i) {
    file += fmt::format("a{}:\n  ARG X=$(get {})\n  RUN $X\n  SAVE IMAGE i{}\n  BUILD +c\n", i, i, i);
    all += fmt::format("  BUILD +a{}\n", i);
  }
  file += "c:\n  IF true\n    RUN c\n  END\n  SAVE IMAGE c\n";
  ASSERT_TRUE(Run(file + all)) << Mistakes();
  ASSERT_EQ(outcome_->outputs.images.size(), 41U);
  EXPECT_EQ(outcome_->outputs.images[0].name, "i0");
  EXPECT_EQ(outcome_->outputs.images[1].name, "c");
  EXPECT_EQ(outcome_->outputs.images[2].name, "i1");
  EXPECT_FALSE(Run("FROM alpine\na:\n  BUILD +b\nb:\n  BUILD +a\nt:\n  BUILD +a\n  BUILD +b\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("infinite cycle detected"));
}

TEST_F(Evaluation, NamesOfImagesThatAreSavedAreChecked) {
  EXPECT_FALSE(Run("FROM alpine\ni:\n  SAVE IMAGE $REGISTRY/api:1\nt:\n  BUILD +i\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("invalid image name /api:1: `/api` is no repository name"));
  EXPECT_TRUE(Run("FROM alpine\ni:\n  SAVE IMAGE $REGISTRY/api:1\nt:\n  FROM +i\n")) << Mistakes();
}

// Runs conditions only when this many wait at the same time.
class MeetingHost : public TableBuildHost {
 public:
  explicit MeetingHost(std::size_t size) : size_(size) {}

  Result<ProcessResult> Run(ir::Graph&, ir::Value) override {
    const Gate::Opened opened(gate);
    std::unique_lock lock(meeting_);
    ++waiting_;
    changed_.notify_all();
    const bool met = changed_.wait_for(lock, std::chrono::seconds(20), [&] { return waiting_ >= size_; });
    return ProcessResult{.exit_code = met ? 0 : 1};
  }

 private:
  const std::size_t size_;
  std::mutex meeting_;
  std::condition_variable changed_;
  std::size_t waiting_ = 0;  // guarded by meeting_
};

TEST_F(Evaluation, CombinationsOfArgsAreEvaluatedAtTheSameTime) {
  MeetingHost meeting(4);
  meeting.gate = &gate_;
  request_.host = &meeting;
  request_.options.parallelism = 8;
  ASSERT_TRUE(
      Run("ARG --global G\nFROM alpine\na:\n  ARG X\n  IF meet\n    RUN met $X $G\n  ELSE\n    RUN alone\n  END\n"
          "  SAVE IMAGE i$X$G\nt:\n  ARG last=4\n  BUILD +a --X=1 --X=2\n  BUILD +a --X=3\n  BUILD +a --X=$last\n"))
      << Mistakes();
  ASSERT_EQ(outcome_->outputs.images.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(outcome_->outputs.images[i].name, fmt::format("i{}", i + 1));
    EXPECT_THAT(Steps(outcome_->outputs.images[i].fs), Contains("exec met $X $G"));
  }
}

TEST_F(Evaluation, PlatformsFollowReferences) {
  ASSERT_TRUE(
      Run("FROM alpine\na:\n  FROM alpine\n  ARG TARGETARCH\n  RUN echo $TARGETARCH\n  SAVE IMAGE x\n"
          "t:\n  BUILD --platform=linux/arm64 --platform=linux/amd64 +a\n"))
      << Mistakes();
  ASSERT_EQ(outcome_->outputs.images.size(), 2U);
  EXPECT_TRUE(outcome_->outputs.images[0].multi_platform);
  EXPECT_EQ(outcome_->outputs.images[0].platform_name, "x:latest_linux_arm64");
  EXPECT_EQ(outcome_->outputs.images[0].platform_id, "linux/arm64");
}

TEST_F(Evaluation, CommandsOfTheImageConfig) {
  ASSERT_TRUE(
      Run("FROM alpine\nt:\n  ARG P=80\n  USER me\n  ENTRYPOINT run $P\n  CMD [\"$P\"]\n  EXPOSE $P 1-2/udp\n"
          "  VOLUME /a \"/b\"\n  LABEL k=v \"x y\"=$P\n  HEALTHCHECK --retries=2 CMD check $P\n  SAVE IMAGE i\n"))
      << Mistakes();
  const std::string& config = outcome_->outputs.images.at(0).config;
  EXPECT_THAT(config, HasSubstr(R"("User":"me")"));
  EXPECT_THAT(config, HasSubstr(R"("Entrypoint":["/bin/sh","-c","run 80"])"));
  EXPECT_THAT(config, HasSubstr(R"("Cmd":["$P"])"));
  EXPECT_THAT(config, HasSubstr(R"("ExposedPorts":{"1/udp":{},"2/udp":{},"80/tcp":{}})"));
  EXPECT_THAT(config, HasSubstr(R"("Volumes":{"/a":{},"/b":{}})"));
  EXPECT_THAT(config, HasSubstr(R"("x y":"80")"));
  EXPECT_THAT(config, HasSubstr(R"("Test":["CMD-SHELL","check 80"])"));
  EXPECT_THAT(config, HasSubstr(R"("dev.earthly.version":"1.0")"));
}

TEST_F(Evaluation, RejectsWhatEarthfilesDoNotHave) {
  for (const char* const line : {"ADD a b", "STOPSIGNAL 9", "SHELL [\"x\"]", "ONBUILD RUN x", "FUNCTION"}) {
    EXPECT_FALSE(Run("FROM alpine\nt:\n  " + std::string(line) + "\n")) << line;
  }
  EXPECT_FALSE(Run("FROM alpine\nt:\n  LABEL dev.earthly.x=1\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("LABEL keys starting with \"dev.earthly.\" are reserved"));
  EXPECT_FALSE(Run("FROM alpine\nt:\n  HOST a 300.1.1.1\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("invalid HOST ip"));
}

TEST_F(Evaluation, RunFlags) {
  ASSERT_TRUE(
      Run("FROM alpine\nt:\n  ARG SEC=shadowed\n  HOST db 10.0.0.1\n  CACHE /c\n"
          "  RUN --network=none --ssh --secret SEC --secret E=+secrets/id --mount=type=tmpfs,target=/tmp "
          "--mount=type=cache,target=m,id=shared,sharing=shared make\n"))
      << Mistakes();
  const ir::ExecAttrs& exec = *LastExec();
  EXPECT_EQ(exec.network, ir::Network::kNone);
  ASSERT_EQ(exec.secret_env.size(), 2U);
  EXPECT_EQ(exec.secret_env[1].id, "id");
  EXPECT_EQ(exec.secret_env[1].name, "E");
  EXPECT_THAT(LastEnv(), Not(Contains("SEC=shadowed")));
  EXPECT_THAT(LastEnv(), Contains("SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0"));
  ASSERT_EQ(exec.extra_hosts.size(), 1U);
  std::vector<std::string> mounts;
  for (const ir::Mount& mount : exec.mounts) {
    mounts.emplace_back(mount.dest);
  }
  EXPECT_THAT(mounts, ElementsAre("/", "/c", "/tmp", "/w/m", "/run/buildkit/ssh_agent.0"));
  EXPECT_EQ(exec.mounts[3].cache_id, "shared");
}

TEST_F(Evaluation, PrivilegesNeedConsent) {
  EXPECT_FALSE(Run("FROM alpine\nt:\n  RUN --privileged x\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("-P"));
  request_.options.allow_privileged = true;
  ASSERT_TRUE(Run("FROM alpine\nt:\n  RUN --privileged x\n"));
  EXPECT_EQ(LastExec()->security, ir::Security::kInsecure);
  // A repository gets none without asking.
  projects_.files["Earthfile"] = "";
  EXPECT_FALSE(Run("FROM alpine\nt:\n  BUILD github.com/a/b:main+x\n"));
}

TEST_F(Evaluation, PushRunsOnlyWhenPushing) {
  ASSERT_TRUE(Run("FROM alpine\nt:\n  RUN --push deploy\n  RUN after\n  SAVE IMAGE --push r/x\n"));
  EXPECT_THAT(Steps(), ElementsAre("image docker.io/library/alpine:latest", "exec after"));
  EXPECT_FALSE(outcome_->outputs.images[0].push);
  request_.options.push = true;
  ASSERT_TRUE(Run("FROM alpine\nt:\n  RUN --push deploy\n  RUN after\n  SAVE IMAGE --push r/x\n"));
  EXPECT_EQ(Steps().size(), 3U);
  EXPECT_TRUE(outcome_->outputs.images[0].push);
}

TEST_F(Evaluation, PushBeforeWaitBlocksComesLast) {
  request_.options.push = true;
  ASSERT_TRUE(Run("VERSION 0.6\nFROM alpine\nt:\n  RUN build\n  RUN --push deploy\n")) << Mistakes();
  EXPECT_THAT(Steps(), ElementsAre("image docker.io/library/alpine:latest", "exec build"));
  ASSERT_EQ(outcome_->after_push.states.size(), 1U);
  EXPECT_FALSE(Run("VERSION 0.6\nFROM alpine\nt:\n  RUN --push deploy\n  RUN build\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("no non-push commands allowed after a --push"));
}

TEST_F(Evaluation, ChainsOfCallsAreTold) {
  projects_.files["lib/Earthfile"] = "VERSION 0.8\nMAKE:\n  FUNCTION\n  ARG --required X\n  RUN x\n";
  EXPECT_FALSE(Run("IMPORT ./lib AS l\nFROM alpine\na:\n  DO l+MAKE\nt:\n  BUILD +a\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("function ./lib+MAKE"));
  EXPECT_THAT(Mistakes(), HasSubstr("in +a"));
  EXPECT_THAT(Mistakes(), HasSubstr("in +t"));
}

TEST_F(Evaluation, UnknownTargetsAreTheirCallersMistake) {
  EXPECT_FALSE(Run("FROM alpine\nt:\n  BUILD +nope\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("in +t"));
  EXPECT_THAT(Mistakes(), Not(HasSubstr("in +nope")));
}

TEST_F(Evaluation, FailedHostsGiveTheirErrorToo) {
  EXPECT_FALSE(Run("t:\n  FROM missing\n"));
  EXPECT_THAT(Mistakes(), HasSubstr("image `missing`: not found"));
  ASSERT_TRUE(error_.has_value());
  EXPECT_EQ(error_->code(), ErrorCode::kNotFound);
}

// The static check comes first: nothing has run when its errors are told, all of them at once.
TEST_F(Evaluation, MistakesThatNeedNoEvaluationAreToldBeforeAnythingRuns) {
  EXPECT_FALSE(Run("FROM a\nt:\n  ARG x=$(id)\n  RUN --nonsense x\n  BUILD +none\n"));
  EXPECT_TRUE(host_.captured.empty());
  EXPECT_TRUE(host_.resolved.empty());
  ASSERT_EQ(consumer_.diagnostics().size(), 2U) << Mistakes();
  EXPECT_NE(Mistakes().find("in +t --x=$(id)"), std::string::npos) << Mistakes();
}

TEST_F(Evaluation, WarningsDoNotStopIt) {
  std::vector<std::string> told;
  request_.warnings = [&](const std::vector<diag::Diagnostic>& found) {
    EXPECT_TRUE(host_.resolved.empty());
    for (const diag::Diagnostic& diagnostic : found) {
      told.push_back(diagnostic.message);
    }
  };
  EXPECT_TRUE(Run("FROM a\nt:\n  LET unused = 1\n  SAVE IMAGE x\n")) << Mistakes();
  EXPECT_THAT(told, ::testing::ElementsAre("`unused` is never used"));
  EXPECT_TRUE(consumer_.diagnostics().empty());
  request_.warnings = nullptr;
  EXPECT_TRUE(Run("FROM a\nt:\n  LET unused = 1\n  SAVE IMAGE x\n"));
  EXPECT_EQ(consumer_.diagnostics().size(), 1U);
}

}  // namespace
}  // namespace loam::sema::earthfile
