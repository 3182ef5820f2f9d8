#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime-executor/engine/build_record.h"
#include "runtime-executor/engine/build_record_codec.h"
#include "runtime-executor/engine/step_name.h"

namespace loam::engine {
namespace {

using solver::Preimage;
using solver::StepReport;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using Kind = Difference::Kind;
using Outcome = StepReport::Outcome;
using Verdict = Explanation::Verdict;

// A build of steps whose digests follow from their fields and inputs, as real ones do.
struct Maker {
  BuildRecord build;

  const StepReport& Step(const std::string& name, Outcome outcome, std::vector<Preimage::Field> fields,
                         const std::vector<std::string>& inputs = {}) {
    StepReport step;
    step.name = name;
    step.outcome = outcome;
    step.preimage.fields = std::move(fields);
    std::string text;
    for (const auto& field : step.preimage.fields) {
      text += field.name + "=" + field.value + "\n";
    }
    step.op_digest = Digest::Of(text);
    for (const std::string& input : inputs) {
      const Digest digest = Get(input).vertex;
      step.inputs.push_back({digest, 0, {}, {}, {}});
      text += digest.Hex();
    }
    step.vertex = Digest::Of(name + text);
    build.steps.push_back(std::move(step));
    return build.steps.back();
  }
  StepReport& Get(const std::string& name) {
    for (StepReport& step : build.steps) {
      if (step.name == name) {
        return step;
      }
    }
    throw std::out_of_range(name);
  }
  // Gives the last step's last input this content.
  void Content(std::vector<Preimage::File> files) {
    std::string text;
    for (const auto& file : files) {
      text += file.path + file.digest.Hex();
    }
    const Digest digest = Digest::Of(text);
    build.steps.back().inputs.back().content = digest;
    build.steps.back().inputs.back().content_base = "src";
    build.contents[digest] = std::make_shared<const Preimage>(Preimage{{}, std::move(files)});
  }
};

Preimage::File File(const std::string& path, const std::string& content) {
  return {path, Digest::Of(content)};
}

// FROM base; COPY src; RUN make; with what the test wants to differ.
Maker Typical(Outcome outcome, const std::string& base, const std::string& file, const std::string& mode) {
  Maker m;
  m.Step("[1/3] FROM base", Outcome::kCached, {{"source", "docker-image://base"}, {"source.digest", base}});
  m.Step("[internal] load build context", Outcome::kRan, {{"source", "local://context"}});
  m.build.steps.back().transient = true;
  m.Step("[2/3] COPY src /src", outcome, {{"op", "file"}}, {"[1/3] FROM base", "[internal] load build context"});
  m.Content({File("a.c", file), File("b.c", "same")});
  m.Step("[3/3] RUN make", outcome, {{"arg:0", "sh"}, {"arg:1", "make"}, {"env:MODE", mode}}, {"[2/3] COPY src /src"});
  return m;
}

TEST(ExplainTest, AChangedFileIsNamedAndIsTheOriginOfWhatFollows) {
  Maker before = Typical(Outcome::kRan, "d1", "old", "debug");
  Maker after = Typical(Outcome::kRan, "d1", "new", "debug");
  const Explanation copy = ExplainStep(&before.build, after.build, after.Get("[2/3] COPY src /src"));
  EXPECT_EQ(copy.verdict, Verdict::kChanged);
  ASSERT_EQ(copy.differences.size(), 1U);
  EXPECT_EQ(copy.differences[0].kind, Kind::kFileChanged);
  EXPECT_EQ(copy.differences[0].subject, "src/a.c");
  const Explanation run = ExplainStep(&before.build, after.build, after.Get("[3/3] RUN make"));
  ASSERT_EQ(run.differences.size(), 1U);
  EXPECT_EQ(run.differences[0].kind, Kind::kEarlierStep);
  EXPECT_EQ(run.origin, "[2/3] COPY src /src");
  ASSERT_EQ(run.origin_differences.size(), 1U);
  EXPECT_EQ(run.origin_differences[0].subject, "src/a.c");
  EXPECT_THAT(OriginsOfWork(&before.build, after.build), ElementsAre(&after.Get("[2/3] COPY src /src")));
}

TEST(ExplainTest, ArgumentsAndBaseImages) {
  Maker before = Typical(Outcome::kRan, "d1", "f", "debug");
  Maker mode = Typical(Outcome::kRan, "d1", "f", "release");
  const Explanation run = ExplainStep(&before.build, mode.build, mode.Get("[3/3] RUN make"));
  ASSERT_EQ(run.differences.size(), 1U);
  EXPECT_EQ(run.differences[0].kind, Kind::kEnvironment);
  EXPECT_EQ(run.differences[0].subject, "MODE");
  EXPECT_EQ(run.differences[0].before, "debug");
  EXPECT_EQ(run.differences[0].after, "release");

  Maker base = Typical(Outcome::kRan, "d2", "f", "debug");
  base.Get("[1/3] FROM base").outcome = Outcome::kRan;
  const Explanation far = ExplainStep(&before.build, base.build, base.Get("[3/3] RUN make"));
  EXPECT_EQ(far.origin, "[1/3] FROM base");
  ASSERT_EQ(far.origin_differences.size(), 1U);
  EXPECT_EQ(far.origin_differences[0].kind, Kind::kSourceDigest);
  EXPECT_EQ(far.origin_differences[0].subject, "docker-image://base");
}

TEST(ExplainTest, Verdicts) {
  Maker before = Typical(Outcome::kRan, "d1", "f", "debug");
  Maker same = Typical(Outcome::kCached, "d1", "f", "debug");
  EXPECT_EQ(ExplainStep(&before.build, same.build, same.Get("[3/3] RUN make")).verdict, Verdict::kCached);
  EXPECT_THAT(OriginsOfWork(&before.build, same.build), IsEmpty());
  Maker pruned = Typical(Outcome::kRan, "d1", "f", "debug");
  EXPECT_EQ(ExplainStep(&before.build, pruned.build, pruned.Get("[3/3] RUN make")).verdict, Verdict::kResultGone);
  EXPECT_EQ(ExplainStep(nullptr, pruned.build, pruned.Get("[3/3] RUN make")).verdict, Verdict::kFirstTime);
  pruned.Get("[3/3] RUN make").ignore_cache = true;
  EXPECT_EQ(ExplainStep(&before.build, pruned.build, pruned.Get("[3/3] RUN make")).verdict, Verdict::kIgnoredCache);
  pruned.Get("[3/3] RUN make").outcome = Outcome::kCanceled;
  EXPECT_EQ(ExplainStep(&before.build, pruned.build, pruned.Get("[3/3] RUN make")).verdict, Verdict::kNotReached);
}

TEST(ExplainTest, FilesComeAndGo) {
  Maker before = Typical(Outcome::kRan, "d1", "f", "m");
  Maker after;
  after.Step("[1/3] FROM base", Outcome::kCached, {{"source", "docker-image://base"}, {"source.digest", "d1"}});
  after.Step("[internal] load build context", Outcome::kRan, {{"source", "local://context"}});
  after.build.steps.back().transient = true;
  after.Step("[2/3] COPY src /src", Outcome::kRan, {{"op", "file"}},
             {"[1/3] FROM base", "[internal] load build context"});
  after.Content({File("a.c", "f"), File("new.c", "x")});
  const Explanation why = ExplainStep(&before.build, after.build, after.build.steps.back());
  EXPECT_THAT(why.differences,
              ElementsAre(Field(&Difference::kind, Kind::kFileAdded), Field(&Difference::kind, Kind::kFileRemoved)));
}

TEST(ExplainTest, AStepIsFoundAgainWhenItsPlaceOrTextChanged) {
  Maker before;
  before.Step("[build 2/3] RUN make", Outcome::kRan, {{"arg:0", "make"}});
  before.Step("[build 3/3] RUN install", Outcome::kRan, {{"arg:0", "install"}}, {"[build 2/3] RUN make"});
  Maker after;
  const StepReport& moved = after.Step("[build 3/4] RUN make", Outcome::kRan, {{"arg:0", "make"}, {"env:X", "1"}});
  ASSERT_NE(MatchStep(before.build, moved), nullptr);
  EXPECT_EQ(MatchStep(before.build, moved)->name, "[build 2/3] RUN make");
  const StepReport& edited = after.Step("[build 2/3] RUN make -j", Outcome::kRan, {{"arg:0", "make -j"}});
  EXPECT_EQ(MatchStep(before.build, edited)->name, "[build 2/3] RUN make");
  EXPECT_THAT(ExplainStep(&before.build, after.build, edited).differences,
              ElementsAre(Field(&Difference::kind, Kind::kCommand)));
  const StepReport& other = after.Step("[test 2/3] RUN check", Outcome::kRan, {});
  EXPECT_EQ(MatchStep(before.build, other), nullptr);
}

TEST(FindStepTest, ManyWaysToNameAStep) {
  Maker m;
  m.Step("[build 2/3] RUN make", Outcome::kRan, {{"a", "1"}});
  m.Step("[build 3/3] RUN make install", Outcome::kRan, {{"a", "2"}});
  m.Step("[test 2/2] RUN check", Outcome::kRan, {{"a", "3"}});
  const auto name = [&](std::string_view query) -> std::string {
    const auto found = FindStep(m.build, query);
    return found ? (*found)->name : found.error().message();
  };
  EXPECT_EQ(name("[build 2/3] RUN make"), "[build 2/3] RUN make");
  EXPECT_EQ(name("RUN make"), "[build 2/3] RUN make");
  EXPECT_EQ(name("build 2/3"), "[build 2/3] RUN make");
  EXPECT_EQ(name("3/3"), "[build 3/3] RUN make install");
  EXPECT_EQ(name("check"), "[test 2/2] RUN check");
  EXPECT_EQ(name(m.build.steps[1].vertex.Hex().substr(0, 12)), "[build 3/3] RUN make install");
  EXPECT_EQ(FindStep(m.build, "RUN").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(FindStep(m.build, "deploy").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(FindStep(m.build, "").error().code(), ErrorCode::kNotFound);
}

TEST(StepNameTest, Parts) {
  const StepName name = ParseStepName("[linux/arm64 build 2/15] RUN a ] b");
  EXPECT_EQ(name.stage, "linux/arm64 build");
  EXPECT_EQ(name.position, 2);
  EXPECT_EQ(name.fraction, "2/15");
  EXPECT_EQ(name.text, "RUN a ] b");
  EXPECT_EQ(name.instruction, "RUN");
  EXPECT_EQ(ParseStepName("[internal] load build context").stage, "internal");
  EXPECT_EQ(ParseStepName("[ 2/5] COPY").position, 2);
  EXPECT_EQ(ParseStepName("docker-image://x").text, "docker-image://x");
  EXPECT_EQ(ParseStepName("").text, "");
  EXPECT_EQ(ParseStepName("[unclosed").text, "[unclosed");
}

TEST(BuildRecordCodecTest, RoundTripAndDamage) {
  Maker m = Typical(Outcome::kRan, "d", "f", "m");
  m.build.steps[0].started = WallTime(std::chrono::nanoseconds(123456789));
  m.build.steps[0].error = "no";
  m.build.steps[1].ignore_cache = true;
  const std::string bytes = EncodeSteps(m.build.steps);
  const auto steps = DecodeSteps(bytes).value();
  ASSERT_EQ(steps.size(), m.build.steps.size());
  EXPECT_EQ(EncodeSteps(steps), bytes);
  EXPECT_TRUE(steps[1].transient);
  EXPECT_TRUE(steps[1].ignore_cache);
  EXPECT_EQ(steps[0].started, m.build.steps[0].started);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeSteps(bytes.substr(0, size)).has_value());
  }
  EXPECT_FALSE(DecodeSteps(bytes + "x").has_value());
}

}  // namespace
}  // namespace loam::engine
