// The bridge on an engine of its own: containers of frontends, failed steps, and frontend images that misbehave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/base64.h"
#include "base/file_system.h"
#include "base/process.h"
#include "llb-emit/encode.h"
#include "proto/frontend/gateway/pb/gateway.pb.h"
#include "proto/fsutil/types/stat.pb.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/gateway/bridge/error_status.h"
#include "runtime-executor/gateway/bridge/frontends.h"
#include "runtime-executor/session/local_client_services.h"
#include "runtime-executor/source/image_store.h"
#include "tests/support/require.h"

namespace loam::gateway {
namespace {

using testing::HasSubstr;

// The caller's side of an ExecProcess stream.
class FakeExecStream final : public ExecStream {
 public:
  bool Read(bridge_api::ExecMessage& message) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || !to_bridge_.empty(); });
    if (to_bridge_.empty()) {
      return false;
    }
    message = std::move(to_bridge_.front());
    to_bridge_.pop_front();
    return true;
  }
  bool Write(const bridge_api::ExecMessage& message) override {
    const std::lock_guard lock(mutex_);
    std::string& out = output_[message.processid()];
    if (message.has_file()) {
      out += message.file().data();
    } else if (message.has_exit()) {
      exits_[message.processid()] = message.exit();
    } else if (message.has_done()) {
      done_.insert(message.processid());
    }
    changed_.notify_all();
    return true;
  }
  void Cancel() override { End(); }
  [[nodiscard]] bool canceled() const override { return false; }

  void Say(const bridge_api::ExecMessage& message) {
    const std::lock_guard lock(mutex_);
    to_bridge_.push_back(message);
    changed_.notify_all();
  }
  void End() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  bridge_api::ExitMessage WaitForExit(const std::string& process) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_.contains(process); });
    return exits_[process];
  }
  std::string Output(const std::string& process) {
    const std::lock_guard lock(mutex_);
    return output_[process];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<bridge_api::ExecMessage> to_bridge_;
  bool ended_ = false;
  std::map<std::string, std::string> output_;
  std::map<std::string, bridge_api::ExitMessage> exits_;
  std::set<std::string> done_;
};

int OpenFds() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

// gRPC closes a connection a little later than it says: the count once it is `limit` or less, or what it still is after
// ten seconds.
int OpenFdsOnceAtMost(int limit) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  int open = OpenFds();
  while (open > limit && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    open = OpenFds();
  }
  return open;
}

void AddOp(pb::Definition& definition, const pb::Op& op) {
  definition.add_def(llb::EncodeOp(op));
}
std::string LastDigest(const pb::Definition& definition) {
  return Digest::Of(definition.def(definition.def_size() - 1)).ToString();
}
// The image "box".
pb::Definition BoxImage() {
  pb::Definition definition;
  pb::Op source;
  source.mutable_source()->set_identifier("docker-image://docker.io/library/box:latest");
  AddOp(definition, source);
  return definition;
}
void Finish(pb::Definition& definition) {
  pb::Op result;
  result.add_inputs()->set_digest(LastDigest(definition));
  AddOp(definition, result);
}
// A step in it.
pb::Definition Step(const std::string& script) {
  pb::Definition definition = BoxImage();
  pb::Op step;
  step.add_inputs()->set_digest(LastDigest(definition));
  for (const char* word : {"sh", "-c"}) {
    step.mutable_exec()->mutable_meta()->add_args(word);
  }
  step.mutable_exec()->mutable_meta()->add_args(script);
  step.mutable_exec()->mutable_meta()->set_cwd("/");
  step.mutable_exec()->add_mounts()->set_dest("/");
  AddOp(definition, step);
  Finish(definition);
  return definition;
}

class BridgeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = TempDir::Create().value();
    if (::geteuid() != 0 || ::access("/bin/busybox", X_OK) != 0 || (!FindProgram("crun") && !FindProgram("runc"))) {
      LOAM_TEST_SKIP("needs root, busybox and an OCI runtime");
    }
    auto engine =
        engine::Engine::Open({.root = dir_->Child("root"), .runtime = {}, .snapshotter = {}, .registry_hosts = {}});
    ASSERT_TRUE(engine) << engine.error().message();
    engine_ = *std::move(engine);
    ImportBox();
    client_ = session::MakeLocalClientServices({});
    StartJob({});
  }

  void ImportBox() {
    const std::string rootfs = dir_->Child("rootfs");
    const std::string script = "mkdir -p " + rootfs + "/bin " + rootfs + "/tmp && cp /bin/busybox " + rootfs +
                               "/bin/ && for a in sh cat echo sleep; do ln -s busybox " + rootfs +
                               "/bin/$a; done && tar -C " + rootfs + " -cf " + rootfs + ".tar .";
    ASSERT_TRUE(RunProcess({.args = {"sh", "-c", script}})->status.ok());
    const auto imported = engine_->images().Import({.path = rootfs + ".tar", .names = {"box"}, .rootfs = true});
    ASSERT_TRUE(imported) << imported.error().message();
  }

  void StartJob(engine::SourcePolicyOptions policy) {
    frontends_.reset();
    job_.emplace(engine_->StartJob({.client = client_,
                                    .progress = std::make_shared<solver::NullProgressSink>(),
                                    .entitlements = {},
                                    .title = "test",
                                    .build_key = "test",
                                    .policy = std::move(policy)}));
    frontends_.emplace(FrontendsOptions{.job = &*job_,
                                        .client = client_.get(),
                                        .worker = {"worker", {}, {HostPlatform()}},
                                        .session_id = "session",
                                        .scratch_dir = dir_->Child("root/tmp"),
                                        .stop = stop_.get_token()});
  }

  Result<FrontendResult> Ask(const std::string& frontend, std::map<std::string, std::string> options,
                             const std::map<std::string, std::string>& inputs = {}) {
    auto request = std::make_shared<engine::FrontendRequest>();
    request->frontend = frontend;
    request->options = std::move(options);
    return frontends_->Run(request, inputs);
  }

  // The image "box" as a frontend that runs a script.
  Result<FrontendResult> RunScript(const std::string& script) {
    pb::Definition definition = BoxImage();
    pb::Op write;
    write.add_inputs()->set_digest(LastDigest(definition));
    pb::FileAction& action = *write.mutable_file()->add_actions();
    action.set_secondaryinput(-1);
    action.mutable_mkfile()->set_path("/frontend");
    action.mutable_mkfile()->set_mode(0755);
    action.mutable_mkfile()->set_data("#!/bin/sh\n" + script);
    action.mutable_mkfile()->set_timestamp(-1);
    AddOp(definition, write);
    Finish(definition);
    const std::string config = R"({"config":{"Entrypoint":["/frontend"],)"
                               R"("Labels":{"moby.buildkit.frontend.caps":"moby.buildkit.frontend.inputs"}}})";
    return Ask("gateway.v0",
               {{"source", "fake"},
                {"context:fake", "input:fake"},
                {"input-metadata:fake", R"({"containerimage.config":")" + Base64Encode(config) + R"("})"}},
               {{"fake", definition.SerializeAsString()}});
  }

  std::optional<TempDir> dir_;
  std::unique_ptr<engine::Engine> engine_;
  std::shared_ptr<session::ClientServices> client_;
  std::stop_source stop_;
  std::optional<engine::Job> job_;
  std::optional<Frontends> frontends_;
};

TEST_F(BridgeTest, ContainerOfAFailedStep) {
  BridgeBuild build(frontends_->BridgeOptions({}, nullptr));
  bridge_api::SolveRequest request;
  *request.mutable_definition() = Step("echo left > /tmp/file; exit 3");
  request.set_evaluate(true);
  bridge_api::SolveResponse response;
  const auto solved = build.Solve(request, response);
  ASSERT_FALSE(solved);
  const auto* solve = solved.error().Detail<SolveDetail>();
  ASSERT_NE(solve, nullptr);
  ASSERT_EQ(solve->solve.mountids_size(), 1);
  EXPECT_EQ(solve->solve.op().exec().meta().args(0), "sh");

  bridge_api::NewContainerRequest wanted;
  wanted.set_containerid("c");
  wanted.add_mounts()->set_dest("/");
  wanted.mutable_mounts(0)->set_resultid(solve->solve.mountids(0));
  const auto made = build.NewContainer(wanted);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_FALSE(build.NewContainer(wanted));  // the name is taken

  FakeExecStream stream;
  std::thread server([&] { EXPECT_TRUE(build.ExecProcess(stream)); });
  const auto start = [&](const std::string& id, const std::string& script) {
    bridge_api::ExecMessage message;
    message.set_processid(id);
    message.mutable_init()->set_containerid("c");
    for (const std::string& word : {std::string("sh"), std::string("-c"), script}) {
      message.mutable_init()->mutable_meta()->add_args(word);
    }
    for (const std::uint32_t fd : {0U, 1U, 2U}) {
      message.mutable_init()->add_fds(fd);
    }
    stream.Say(message);
  };
  start("first", "cat; exit 9");
  start("second", "cat /tmp/file");
  EXPECT_EQ(stream.WaitForExit("second").code(), 0U);
  EXPECT_EQ(stream.Output("second"), "left\n");
  bridge_api::ReadFileRequest read;
  read.set_ref("c");
  read.set_filepath("/tmp/file");
  bridge_api::ReadFileResponse file;
  const auto was_read = build.ReadFileContainer(read, file);
  EXPECT_TRUE(was_read) << was_read.error().message();
  EXPECT_EQ(file.data(), "left\n");
  bridge_api::ExecMessage input;
  input.set_processid("first");
  input.mutable_file()->set_data("typed");
  input.mutable_file()->set_eof(true);
  stream.Say(input);
  const bridge_api::ExitMessage exit = stream.WaitForExit("first");
  EXPECT_EQ(exit.code(), 9U);
  EXPECT_THAT(exit.error().message(), HasSubstr("exit code: 9"));
  EXPECT_EQ(stream.Output("first"), "typed");
  stream.End();
  server.join();
  bridge_api::ReleaseContainerRequest release;
  release.set_containerid("c");
  const auto released = build.ReleaseContainer(release);
  ASSERT_FALSE(released);  // the first failure of its processes
  EXPECT_THAT(released.error().message(), HasSubstr("exit code: 9"));
  EXPECT_FALSE(build.ReleaseContainer(release));
  build.Close();
}

TEST_F(BridgeTest, ReleaseEndsProcesses) {
  BridgeBuild build(frontends_->BridgeOptions({}, nullptr));
  bridge_api::SolveRequest request;
  pb::Definition image = BoxImage();
  Finish(image);
  *request.mutable_definition() = image;
  request.set_allowresultarrayref(true);
  bridge_api::SolveResponse response;
  ASSERT_TRUE(build.Solve(request, response));
  bridge_api::NewContainerRequest wanted;
  wanted.set_containerid("c");
  wanted.add_mounts()->set_dest("/");
  wanted.mutable_mounts(0)->set_resultid(response.result().ref().id());
  ASSERT_TRUE(build.NewContainer(wanted));
  FakeExecStream stream;
  std::thread server([&] { EXPECT_TRUE(build.ExecProcess(stream)); });
  bridge_api::ExecMessage message;
  message.set_processid("p");
  message.mutable_init()->set_containerid("c");
  message.mutable_init()->mutable_meta()->add_args("sleep");
  message.mutable_init()->mutable_meta()->add_args("1000");
  stream.Say(message);
  message.set_processid("insecure");
  message.mutable_init()->set_security(pb::INSECURE);
  stream.Say(message);
  EXPECT_THAT(stream.WaitForExit("insecure").error().message(), HasSubstr("security.insecure is not allowed"));
  bridge_api::ReleaseContainerRequest release;
  release.set_containerid("c");
  EXPECT_FALSE(build.ReleaseContainer(release));
  EXPECT_EQ(stream.WaitForExit("p").error().code(), static_cast<int>(ErrorCode::kCanceled));
  stream.End();
  server.join();
  build.Close();
}

TEST_F(BridgeTest, FrontendsThatMisbehaveEndInOneErrorAndLeaveNothing) {
  // The first run opens what stays open.
  ASSERT_FALSE(RunScript("exit 0"));
  const int fds = OpenFds();
  const auto fails_with = [&](const std::string& script, const std::string& words) {
    const auto result = RunScript(script);
    ASSERT_FALSE(result) << script;
    EXPECT_THAT(result.error().message(), HasSubstr(words)) << script;
    EXPECT_LE(OpenFdsOnceAtMost(fds), fds) << script;
  };
  fails_with("exit 0", "no result for incomplete build");
  fails_with("echo trouble >&2; exit 3", "exit code: 3: trouble");
  fails_with("echo this is no protocol; sleep 1000", "closed unexpectedly");
  fails_with("test \"$BUILDKIT_SESSION_ID\" = session && env >&2; exit 4", "BUILDKIT_EXPORTEDPRODUCT=buildkit");
  // Another build goes on.
  EXPECT_TRUE(job_->Solve(Step("true"), {}));
}

TEST_F(BridgeTest, AFrontendThatNeverReturnsIsKilledOnStop) {
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    stop_.request_stop();
  });
  const auto result = RunScript("sleep 1000");
  stopper.join();
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().Is(ErrorCode::kCanceled));
}

TEST_F(BridgeTest, FrontendsThatAreNotThere) {
  EXPECT_THAT(Ask("nobody.v0", {}).error().message(), HasSubstr("invalid frontend"));
  EXPECT_THAT(Ask("gateway.v0", {}).error().message(), HasSubstr("no source specified"));
  const auto capable = Ask("gateway.v0", {{"source", "box"}, {"frontend.caps", "moby.some.cap"}});
  ASSERT_FALSE(capable);
  EXPECT_NE(capable.error().Detail<UnsupportedDetail>(), nullptr);
  EXPECT_NE(capable.error().Detail<FrontendDetail>(), nullptr);
}

TEST_F(BridgeTest, ResultsAreOfferedUnderReferences) {
  const auto solved = job_->Solve(Step("echo made > /tmp/file"), {});
  ASSERT_TRUE(solved) << solved.error().message();
  BridgeBuild build(frontends_->BridgeOptions({}, nullptr));
  FrontendResult result;
  result.refs.emplace_back("made", *solved);
  result.refs.emplace_back("empty", snapshot::FsRef());
  const std::vector<std::string> ids = build.Offer(result);
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(ids[1], "");
  bridge_api::ReadFileRequest read;
  read.set_ref(ids[0]);
  read.set_filepath("/tmp/file");
  bridge_api::ReadFileResponse file;
  const auto was_read = build.ReadFile(read, file);
  ASSERT_TRUE(was_read) << was_read.error().message();
  EXPECT_EQ(file.data(), "made\n");
  build.Close();
}

// Clients refuse what is not told here: docker buildx attestations, these caches, limits of space to prune to.
TEST_F(BridgeTest, WhatTheEngineCanIsTold) {
  BridgeBuild build(frontends_->BridgeOptions({}, nullptr));
  bridge_api::PongResponse pong;
  ASSERT_TRUE(build.Ping(pong));
  std::set<std::string> told;
  for (const auto& capability : pong.llbcaps()) {
    told.insert(capability.id());
  }
  for (const char* id : {"exporter.image.attestations", "exporter.session", "cache.gha", "cache.s3", "cache.azblob",
                         "gc.freespacefilter", "history.filter", "exec.meta.network.proxy"}) {
    EXPECT_TRUE(told.contains(id)) << id;
  }
  build.Close();
}

TEST_F(BridgeTest, FilesAreToldWithAllThatIsKnownOfThem) {
  const auto solved = job_->Solve(Step("busybox mkdir -p /d/sub; cd /d; echo text > a; busybox chown 7:8 a; busybox ln "
                                       "a hard; busybox ln -s a soft; "
                                       "busybox mknod null c 1 3"),
                                  {});
  ASSERT_TRUE(solved) << solved.error().message();
  BridgeBuild build(frontends_->BridgeOptions({}, nullptr));
  FrontendResult result;
  result.refs.emplace_back("made", *solved);
  const std::string ref = build.Offer(result).front();
  bridge_api::ReadDirRequest list;
  list.set_ref(ref);
  list.set_dirpath("/d");
  bridge_api::ReadDirResponse listed;
  const auto was_listed = build.ReadDir(list, listed);
  ASSERT_TRUE(was_listed) << was_listed.error().message();
  std::map<std::string, fsutil::types::Stat> files;
  for (const fsutil::types::Stat& file : listed.entries()) {
    files[file.path()] = file;
  }
  ASSERT_EQ(files.size(), 5U);
  EXPECT_EQ(files["a"].uid(), 7U);
  EXPECT_EQ(files["a"].gid(), 8U);
  EXPECT_EQ(files["a"].size(), 5);
  EXPECT_EQ(files["a"].linkname(), "");
  EXPECT_EQ(files["hard"].linkname(), "a");
  EXPECT_EQ(files["soft"].linkname(), "a");
  EXPECT_EQ(files["soft"].size(), 1);
  EXPECT_EQ(files["null"].devmajor(), 1);
  EXPECT_EQ(files["null"].devminor(), 3);
  // A directory has no size of its own.
  EXPECT_EQ(files["sub"].size(), 0);
  bridge_api::StatFileRequest ask;
  ask.set_ref(ref);
  ask.set_path("/d/soft");
  bridge_api::StatFileResponse told;
  const auto was_told = build.StatFile(ask, told);
  ASSERT_TRUE(was_told) << was_told.error().message();
  EXPECT_EQ(told.stat().path(), "a");
  EXPECT_EQ(told.stat().uid(), 7U);
  build.Close();
}

TEST_F(BridgeTest, PoliciesOfTheBuildAndOfARequest) {
  moby::buildkit::v1::sourcepolicy::Policy rules;
  auto& rule = *rules.add_rules();
  rule.set_action(moby::buildkit::v1::sourcepolicy::CONVERT);
  rule.mutable_selector()->set_identifier("docker-image://docker.io/library/other:latest");
  rule.mutable_updates()->set_identifier("docker-image://docker.io/library/box:latest");
  StartJob({.rules = {rules.SerializeAsString()}, .ask = {}});
  pb::Definition definition;
  pb::Op source;
  source.mutable_source()->set_identifier("docker-image://docker.io/library/other:latest");
  AddOp(definition, source);
  Finish(definition);
  const auto solved = job_->Solve(definition, {});
  EXPECT_TRUE(solved) << solved.error().message();

  BridgeBuild build(frontends_->BridgeOptions({}, nullptr));
  bridge_api::SolveRequest request;
  *request.mutable_definition() = definition;
  request.set_evaluate(true);
  auto& denied = *request.add_sourcepolicies()->add_rules();
  denied.set_action(moby::buildkit::v1::sourcepolicy::DENY);
  denied.mutable_selector()->set_identifier("docker-image://docker.io/library/box:*");
  bridge_api::SolveResponse response;
  const auto refused = build.Solve(request, response);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("denied by policy"));
  build.Close();
}

}  // namespace
}  // namespace loam::gateway
