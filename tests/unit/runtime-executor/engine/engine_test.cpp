// The engine on LLB made by hand: file, merge, diff, build and passthrough operations, and several engines on one root.
#include "runtime-executor/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "base/file_system.h"
#include "base/unique_fd.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/session/local_client_services.h"

namespace loam::engine {
namespace {

using ::testing::HasSubstr;

// Builds a pb.Definition op by op.
class Definition {
 public:
  // Gives the digest of the op.
  std::string Add(const pb::Op& op) {
    const std::string bytes = op.SerializeAsString();
    definition_.add_def(bytes);
    return Digest::Of(bytes).ToString();
  }
  std::string MkFile(const std::string& path, const std::string& data, const std::string& input = "") {
    pb::Op op;
    pb::FileAction& action = *op.mutable_file()->add_actions();
    if (!input.empty()) {
      op.add_inputs()->set_digest(input);
    }
    action.set_input(input.empty() ? -1 : 0);
    action.set_secondaryinput(-1);
    action.set_output(0);
    action.mutable_mkfile()->set_path(path);
    action.mutable_mkfile()->set_data(data);
    action.mutable_mkfile()->set_mode(0644);
    action.mutable_mkfile()->set_timestamp(-1);
    return Add(op);
  }
  const pb::Definition& Finish(const std::string& result, int index = 0) {
    pb::Op op;
    op.add_inputs()->set_digest(result);
    op.mutable_inputs(0)->set_index(index);
    Add(op);
    return definition_;
  }

 private:
  pb::Definition definition_;
};

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = TempDir::Create().value();
    engine_ = Open();
  }
  std::unique_ptr<Engine> Open() {
    auto engine = Engine::Open({.root = dir_->Child("root"), .runtime = {}, .snapshotter = {}, .registry_hosts = {}});
    EXPECT_TRUE(engine.has_value()) << engine.error().message();
    return std::move(*engine);
  }
  Job NewJob() {
    return engine_->StartJob({.client = session::MakeLocalClientServices({}),
                              .progress = std::make_shared<solver::NullProgressSink>(),
                              .entitlements = {},
                              .title = "t",
                              .build_key = "k"});
  }
  // Solves and exports; the names of the files at the root.
  std::vector<std::string> Files(const pb::Definition& definition) {
    Job job = NewJob();
    const auto fs = job.Solve(definition, {});
    EXPECT_TRUE(fs.has_value()) << fs.error().message();
    if (!fs) {
      return {};
    }
    const std::string out = dir_->Child("out" + std::to_string(next_++));
    const std::vector<PlatformResult> results{{"linux/amd64", *fs, "", "", ""}};
    const auto exported = job.Export(results, {.type = "local", .attributes = {{"dest", out}}}, {});
    EXPECT_TRUE(exported.has_value()) << exported.error().message();
    last_out_ = out;
    return ListDir(out).value();
  }

  std::optional<TempDir> dir_;
  std::unique_ptr<Engine> engine_;
  std::string last_out_;
  int next_ = 0;
};

TEST_F(EngineTest, FilesMergeAndDiff) {
  Definition merged;
  const std::string a = merged.MkFile("/a", "1");
  const std::string b = merged.MkFile("/b", "2");
  pb::Op merge;
  merge.add_inputs()->set_digest(a);
  merge.add_inputs()->set_digest(b);
  merge.mutable_merge()->add_inputs()->set_input(0);
  merge.mutable_merge()->add_inputs()->set_input(1);
  EXPECT_THAT(Files(merged.Finish(merged.Add(merge))), ::testing::ElementsAre("a", "b"));
  EXPECT_EQ(ReadFile(last_out_ + "/b").value(), "2");

  Definition difference;
  const std::string lower = difference.MkFile("/a", "1");
  const std::string upper = difference.MkFile("/c", "3", lower);
  pb::Op diff;
  diff.add_inputs()->set_digest(lower);
  diff.add_inputs()->set_digest(upper);
  diff.mutable_diff()->mutable_lower()->set_input(0);
  diff.mutable_diff()->mutable_upper()->set_input(1);
  EXPECT_THAT(Files(difference.Finish(difference.Add(diff))), ::testing::ElementsAre("c"));
}

TEST_F(EngineTest, BuildOpSolvesTheDefinitionInItsInput) {
  Definition inner;
  const std::string made = inner.MkFile("/inner", "x");
  Definition outer;
  const std::string file = outer.MkFile("/buildkit.llb.definition", inner.Finish(made).SerializeAsString());
  pb::Op build;
  build.add_inputs()->set_digest(file);
  build.mutable_build()->set_builder(-1);
  (*build.mutable_build()->mutable_inputs())["buildkit.llb.definition"].set_input(0);
  EXPECT_THAT(Files(outer.Finish(outer.Add(build))), ::testing::ElementsAre("inner"));
}

TEST_F(EngineTest, PassthroughGivesItsInputs) {
  Definition definition;
  const std::string a = definition.MkFile("/a", "1");
  const std::string b = definition.MkFile("/b", "2");
  pb::Op op;
  op.add_inputs()->set_digest(a);
  op.add_inputs()->set_digest(b);
  op.mutable_passthrough()->set_id("p");
  op.mutable_passthrough()->add_outputs(1);
  op.mutable_passthrough()->add_outputs(0);
  EXPECT_THAT(Files(definition.Finish(definition.Add(op), 1)), ::testing::ElementsAre("a"));
}

TEST_F(EngineTest, BrokenDefinitionsAreErrors) {
  Job job = NewJob();
  Definition missing;
  EXPECT_EQ(job.Solve(missing.Finish(Digest::Of("nothing").ToString()), {}).error().code(),
            ErrorCode::kInvalidArgument);
  const std::string_view garbage = "\xff\xff\xff";
  EXPECT_FALSE(job.SolveAll(std::span(&garbage, 1), {}).has_value());
  EXPECT_TRUE(job.Solve(pb::Definition(), {}).value().is_scratch());
}

TEST_F(EngineTest, ResultsSurviveTheEngineAndPruneRemovesThem) {
  Definition definition;
  const std::string a = definition.MkFile("/a", "1");
  const pb::Definition& whole = definition.Finish(definition.MkFile("/b", "2", a));
  const auto outcomes = [&] {
    Job job = NewJob();
    EXPECT_TRUE(job.Solve(whole, {}).has_value());
    EXPECT_TRUE(job.Finish(std::nullopt).has_value());
    std::vector<solver::StepReport::Outcome> result;
    const auto builds = engine_->Builds(1).value();
    for (const solver::StepReport& step : builds[0].steps) {
      result.push_back(step.outcome);
    }
    return result;
  };
  using Outcome = solver::StepReport::Outcome;
  EXPECT_THAT(outcomes(), ::testing::Each(Outcome::kRan));
  engine_.reset();
  engine_ = Open();
  EXPECT_THAT(outcomes(), ::testing::Each(Outcome::kCached));

  const auto count = [&](DiskUsageEntry::Kind kind) {
    const auto usage = engine_->DiskUsage().value();
    return std::count_if(usage.begin(), usage.end(), [&](const auto& entry) { return entry.kind == kind; });
  };
  EXPECT_EQ(count(DiskUsageEntry::Kind::kCacheRecord), 2);
  EXPECT_EQ(count(DiskUsageEntry::Kind::kLayer), 2);
  // Nothing is unreferenced, nothing is that old.
  EXPECT_TRUE(engine_->Prune({}).value().removed.empty());
  EXPECT_TRUE(engine_->Prune({.all = true, .unused_for = std::chrono::hours(1)}).value().removed.empty());
  EXPECT_TRUE(engine_->Prune({.all = true, .keep_bytes = std::int64_t{1} << 30}).value().removed.empty());
  {
    const auto other = Open();
    EXPECT_EQ(engine_->Prune({.all = true}).error().code(), ErrorCode::kUnavailable);
  }
  EXPECT_EQ(engine_->Prune({.all = true}).value().removed.size(), 2U);
  EXPECT_EQ(count(DiskUsageEntry::Kind::kCacheRecord), 0);
  EXPECT_EQ(count(DiskUsageEntry::Kind::kLayer), 0);
  EXPECT_THAT(outcomes(), ::testing::Each(Outcome::kRan));
}

TEST_F(EngineTest, LayersOfARunningJobAreNotPruned) {
  Definition definition;
  const pb::Definition& whole = definition.Finish(definition.MkFile("/a", "1"));
  Job job = NewJob();
  const auto fs = job.Solve(whole, {}).value();
  ASSERT_TRUE(engine_->Prune({.all = true}).has_value());
  const std::string out = dir_->Child("kept");
  const std::vector<PlatformResult> results{{"linux/amd64", fs, "", "", ""}};
  ASSERT_TRUE(job.Export(results, {.type = "local", .attributes = {{"dest", out}}}, {}).has_value());
  EXPECT_EQ(ReadFile(out + "/a").value(), "1");
}

// A build that failed or was canceled does not wait for its other steps; the engine does, and they need its worker.
TEST_F(EngineTest, AStepThatWasCanceledRunsOnWhileTheEngineCloses) {
  const std::string fifo = dir_->Child("secret");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  Definition definition;
  pb::Op op;
  pb::ExecOp& exec = *op.mutable_exec();
  exec.mutable_meta()->add_args("/true");
  exec.mutable_meta()->set_cwd("/");
  pb::SecretEnv& secret = *exec.add_secretenv();
  secret.set_id("s");
  secret.set_name("S");
  pb::Mount& root = *exec.add_mounts();
  root.set_input(-1);
  root.set_dest("/");
  const pb::Definition& whole = definition.Finish(definition.Add(op));
  std::stop_source stop;
  std::thread solving([&] {
    Job job =
        engine_->StartJob({.client = session::MakeLocalClientServices({.secrets = {{"s", {.file = fifo, .env = {}}}}}),
                           .progress = std::make_shared<solver::NullProgressSink>(),
                           .entitlements = {},
                           .title = "t",
                           .build_key = "k"});
    EXPECT_FALSE(job.Solve(whole, stop.get_token()).has_value());
  });
  // The step has its worker and waits for the value of the secret.
  UniqueFd writer;
  while (!writer.valid()) {
    writer = UniqueFd(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  stop.request_stop();
  solving.join();
  std::thread closing([this] { engine_.reset(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  writer.Reset();
  closing.join();
}

TEST(EngineOpenTest, BadOptions) {
  const TempDir dir = TempDir::Create().value();
  EngineOptions options;
  options.root = dir.Child("root");
  options.snapshotter = "zfs";
  EXPECT_EQ(Engine::Open(options).error().code(), ErrorCode::kInvalidArgument);
  options.snapshotter.clear();
  ASSERT_TRUE(WriteFileAtomic(dir.Child("file"), "x").has_value());
  options.root = dir.Child("file/below");
  const auto blocked = Engine::Open(options);
  ASSERT_FALSE(blocked.has_value());
  EXPECT_FALSE(blocked.error().hint().empty());
}

}  // namespace
}  // namespace loam::engine
