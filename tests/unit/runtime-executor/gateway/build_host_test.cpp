// The questions a compiler asks while it compiles, answered by the engine: files of states, output of commands.
#include "runtime-executor/gateway/build_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include <fmt/ranges.h>

#include "base/file_system.h"
#include "base/process.h"
#include "compiler/ir/graph.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/session/local_client_services.h"
#include "runtime-executor/source/image_store.h"
#include "tests/support/require.h"

namespace loam::gateway {
namespace {

using ::testing::ElementsAre;

class Names final : public solver::ProgressSink {
 public:
  void OnEvent(const solver::ProgressEvent& event) override {
    if (const auto* vertex = std::get_if<solver::VertexEvent>(&event); vertex != nullptr && vertex->cached) {
      const std::lock_guard lock(mutex_);
      cached_.insert(vertex->name);
    }
  }
  bool Cached(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return cached_.contains(name);
  }

 private:
  std::mutex mutex_;
  std::set<std::string> cached_;
};

class BuildHostTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = TempDir::Create().value();
    ASSERT_TRUE(MakeDirs(dir_->Child("context/sub")).has_value());
    ASSERT_TRUE(WriteFileAtomic(dir_->Child("context/sub/file"), "contents\n").has_value());
    ASSERT_TRUE(WriteFileAtomic(dir_->Child("context/hidden"), "not for the build\n").has_value());
    auto engine = engine::Engine::Open({.root = dir_->Child("root")});
    ASSERT_TRUE(engine.has_value()) << engine.error().message();
    engine_ = std::move(*engine);
    Start();
  }
  void TearDown() override {
    host_.reset();
    job_.reset();
  }

  void Start() {
    host_.reset();
    job_.reset();
    session::LocalClientOptions client;
    client.local_dirs = {{"context", dir_->Child("context")}};
    client_ = session::MakeLocalClientServices(std::move(client));
    progress_ = std::make_shared<Names>();
    job_.emplace(engine_->StartJob(
        {.client = client_, .progress = progress_, .entitlements = {}, .title = "test", .build_key = "test"}));
    BuildHostOptions options;
    options.blocking.before = [this] { ++entered_; };
    options.blocking.after = [this] { ++left_; };
    host_ = MakeBuildHost(*job_, *client_, {}, options);
  }

  ir::Value Context() {
    const std::array attrs = {ir::KeyValue{"local.excludepatterns", "[\"hidden\"]"}};
    return graph_.Add<ir::OpKind::kSourceLocal>({}, {.identifier = "context", .attrs = attrs});
  }

  // False where commands cannot be run.
  bool ImportBusybox() {
    if (::geteuid() != 0 || ::access("/bin/busybox", X_OK) != 0 || (!FindProgram("crun") && !FindProgram("runc"))) {
      return false;
    }
    const std::string rootfs = dir_->Child("rootfs");
    const std::string script =
        "mkdir -p R/bin R/tmp R/etc R/run; cp /bin/busybox R/bin; chmod 1777 R/tmp; for a in sh cat "
        "echo mkdir ls id sleep; do ln -s busybox R/bin/$a; done; echo me:x:1000:1000::/:/bin/sh "
        ">R/etc/passwd; tar -C R -cf R.tar .";
    std::string text;
    for (const char c : script) {
      text += c == 'R' ? rootfs : std::string(1, c);
    }
    EXPECT_TRUE(RunProcess({.args = {"sh", "-ec", text}})->status.ok());
    const auto imported = engine_->images().Import({.path = rootfs + ".tar", .names = {"box"}, .rootfs = true});
    EXPECT_TRUE(imported.has_value()) << imported.error().message();
    return imported.has_value();
  }

  ir::Value Capture(std::string_view command, std::string_view user = "") {
    const ir::Value base = graph_.Add<ir::OpKind::kSourceImage>(
        {}, {.identifier = "docker.io/library/box:latest", .attrs = {}}, {.platform = &platform_});
    const std::array<std::string_view, 3> args = {"/bin/sh", "-c", command};
    const std::array<std::string_view, 1> env = {"PATH=/bin"};
    const std::array mounts = {ir::Mount{.input = 0, .dest = "/", .output = 0}};
    ir::ExecAttrs exec;
    exec.args = args;
    exec.env = env;
    exec.cwd = "/";
    exec.user = user;
    exec.mounts = mounts;
    const ir::Value capture = graph_.Add<ir::OpKind::kCapture>(std::array{base}, exec, {.platform = &platform_});
    const std::array name = {ir::KeyValue{"llb.customname", command}};
    graph_.Annotate(capture, {.description = name});
    return capture;
  }

  std::optional<TempDir> dir_;
  std::unique_ptr<engine::Engine> engine_;
  std::shared_ptr<session::ClientServices> client_;
  std::shared_ptr<Names> progress_;
  std::optional<engine::Job> job_;
  std::unique_ptr<sema::BuildHost> host_;
  ir::Graph graph_;
  ir::Platform platform_{.os = "linux", .architecture = "amd64"};
  int entered_ = 0;
  int left_ = 0;
};

TEST_F(BuildHostTest, ReadsFilesOfAState) {
  const auto text = host_->ReadFile(graph_, Context(), "/sub/file", 0);
  ASSERT_TRUE(text.has_value()) << text.error().message();
  EXPECT_EQ(*text, "contents\n");
  EXPECT_EQ(host_->ReadFile(graph_, Context(), "sub/file", 4).value(), "cont");
  // Whoever guards the graph is told about every wait.
  EXPECT_EQ(entered_, 2);
  EXPECT_EQ(left_, 2);

  const auto stat = host_->StatFile(graph_, Context(), "sub");
  ASSERT_TRUE(stat.has_value());
  EXPECT_TRUE(stat->is_directory);
  EXPECT_NE(stat->mode & (1U << 31), 0U);
  const auto list = host_->ListDirectory(graph_, Context(), "/");
  ASSERT_TRUE(list.has_value());
  ASSERT_EQ(list->size(), 1U);
  EXPECT_EQ((*list)[0].path, "sub");
}

TEST_F(BuildHostTest, WhatAStateDoesNotShowIsNotFound) {
  for (const char* const path : {"missing", "hidden", "sub/file/below", "../../../etc/passwd"}) {
    const auto text = host_->ReadFile(graph_, Context(), path, 0);
    ASSERT_FALSE(text.has_value()) << path;
    EXPECT_TRUE(text.error().Is(ErrorCode::kNotFound)) << path << ": " << text.error().message();
  }
  EXPECT_FALSE(host_->ReadFile(graph_, Context(), "sub", 0).has_value());
  EXPECT_TRUE(host_->ReadFile(graph_, ir::Value(), "x", 0).error().Is(ErrorCode::kNotFound));
}

// Directories of a client elsewhere: what is opened is transferred.
class RecordedDirs final : public session::LocalDirs {
 public:
  explicit RecordedDirs(std::shared_ptr<session::LocalDirs> dirs) : dirs_(std::move(dirs)) {}
  Result<session::LocalDir> Open(const session::LocalDirRequest& request, std::stop_token stop) override {
    asked.push_back(request.name + ": " + fmt::format("{}", fmt::join(request.follow_paths, " ")));
    return dirs_->Open(request, std::move(stop));
  }
  std::vector<std::string> asked;

 private:
  std::shared_ptr<session::LocalDirs> dirs_;
};

TEST_F(BuildHostTest, AsksTheClientForFilesAndNotForWholeDirectories) {
  const auto dirs = std::make_shared<RecordedDirs>(client_->local_dirs());
  const auto client = session::MakeClientServices({.secrets = client_->secrets(),
                                                   .ssh = client_->ssh(),
                                                   .local_dirs = dirs,
                                                   .oci_layouts = client_->oci_layouts(),
                                                   .registry_auth = client_->registry_auth()});
  ASSERT_TRUE(WriteFileAtomic(dir_->Child("context/sub/file.dockerignore"), "*.o\n").has_value());
  const auto host = MakeBuildHost(*job_, *client, {}, {});
  EXPECT_EQ(host->ReadContextFile("context", "sub/file").value(), "contents\n");
  EXPECT_EQ(host->ReadContextFile("context", "sub/file.dockerignore").value(), "*.o\n") << "came with the file";
  const auto missing = host->ReadContextFile("context", ".dockerignore");
  ASSERT_FALSE(missing.has_value());
  EXPECT_TRUE(missing.error().Is(ErrorCode::kNotFound));
  EXPECT_THAT(dirs->asked, ElementsAre("context: sub/file sub/file.dockerignore", "context: .dockerignore"));
}

TEST_F(BuildHostTest, ACommandAnswersWithItsOutputAndExitCode) {
  if (!ImportBusybox()) {
    LOAM_TEST_SKIP("needs root, busybox and an OCI runtime");
  }
  const auto answer = host_->Run(graph_, Capture("echo one; echo two; echo bad >&2; exit 3"));
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(answer->exit_code, 3);
  EXPECT_EQ(answer->standard_output, "one\ntwo\n");
  const auto missing = host_->Run(graph_, Capture("no-such-command"));
  ASSERT_TRUE(missing.has_value()) << missing.error().message();
  EXPECT_EQ(missing->exit_code, 127);
  const auto user = host_->Run(graph_, Capture("id -u", "me"));
  ASSERT_TRUE(user.has_value()) << user.error().message();
  EXPECT_EQ(user->standard_output, "1000\n");
}

TEST_F(BuildHostTest, ACommandIsRunOnceAndThenCached) {
  if (!ImportBusybox()) {
    LOAM_TEST_SKIP("needs root, busybox and an OCI runtime");
  }
  const std::string_view command = "cat /proc/sys/kernel/random/uuid";
  const auto first = host_->Run(graph_, Capture(command));
  ASSERT_TRUE(first.has_value()) << first.error().message();
  Start();
  const auto second = host_->Run(graph_, Capture(command));
  ASSERT_TRUE(second.has_value()) << second.error().message();
  EXPECT_EQ(first->standard_output, second->standard_output);
  EXPECT_TRUE(progress_->Cached(std::string(command)));
}

TEST_F(BuildHostTest, ACommandThatCannotBeStartedIsAnError) {
  if (!ImportBusybox()) {
    LOAM_TEST_SKIP("needs root, busybox and an OCI runtime");
  }
  EXPECT_FALSE(host_->Run(graph_, Capture("true", "nobody-of-that-name")).has_value());
}

}  // namespace
}  // namespace loam::gateway
