// Whole builds in process: Dockerfile text -> compiler -> solver -> ops -> local export, on a root of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>

#include "base/file_system.h"
#include "base/process.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/gateway/dockerfile_build.h"
#include "runtime-executor/session/local_client_services.h"
#include "runtime-executor/source/image_store.h"
#include "tests/support/require.h"

namespace loam::gateway {
namespace {

class Recorder final : public solver::ProgressSink {
 public:
  void OnEvent(const solver::ProgressEvent& event) override {
    const std::lock_guard lock(mutex_);
    if (const auto* vertex = std::get_if<solver::VertexEvent>(&event)) {
      last_[vertex->name] = *vertex;
    } else if (const auto* log = std::get_if<solver::LogEvent>(&event)) {
      output_ += log->data;
    }
  }
  std::string output() {
    const std::lock_guard lock(mutex_);
    return output_;
  }
  // Names of the steps in brackets that ran, without those of the frontend and the sources.
  std::vector<std::string> Ran() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, vertex] : last_) {
      if (name.front() == '[' && name.rfind("[internal]", 0) != 0 && name.find("] FROM") == std::string::npos &&
          vertex.started && !vertex.cached && vertex.error.empty()) {
        names.push_back(name);
      }
    }
    return names;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, solver::VertexEvent> last_;
  std::string output_;
};

struct Built {
  Result<DockerfileBuildResult> result = Unexpected(ErrorCode::kUnknown, "not built");
  DockerfileBuildReport report;
  std::shared_ptr<Recorder> progress = std::make_shared<Recorder>();
};

class BuildTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = TempDir::Create().value();
    ASSERT_TRUE(MakeDirs(dir_->Child("context")).has_value());
    Restart();
  }
  void Restart() {
    engine_.reset();
    auto engine =
        engine::Engine::Open({.root = dir_->Child("root"), .runtime = {}, .snapshotter = {}, .registry_hosts = {}});
    ASSERT_TRUE(engine.has_value()) << engine.error().message();
    engine_ = std::move(*engine);
  }
  void Write(const std::string& path, const std::string& text) {
    const std::string full = dir_->Child("context/" + path);
    ASSERT_TRUE(MakeDirs(full.substr(0, full.rfind('/'))).has_value());
    ASSERT_TRUE(WriteFileAtomic(full, text).has_value());
  }
  // Exports to `out` when it is not empty.
  Built Build(const std::string& dockerfile, const std::string& out = "",
              std::map<std::string, std::string> options = {}) {
    Write("Dockerfile", dockerfile);
    Built built;
    session::LocalClientOptions client;
    client.local_dirs = {{"context", dir_->Child("context")}, {"dockerfile", dir_->Child("context")}};
    const auto services = session::MakeLocalClientServices(std::move(client));
    engine::Job job = engine_->StartJob(
        {.client = services, .progress = built.progress, .entitlements = {}, .title = "test", .build_key = "test"});
    DockerfileBuildRequest request;
    request.options = std::move(options);
    built.result = BuildDockerfile(job, *services, request, built.report, {});
    for (const diag::Diagnostic& diagnostic : built.report.diagnostics) {
      if (diagnostic.is_error()) {
        ADD_FAILURE() << diagnostic.message;
      }
    }
    if (built.result && !out.empty()) {
      const auto exported =
          job.Export(built.result->platforms, {.type = "local", .attributes = {{"dest", dir_->Child(out)}}}, {});
      EXPECT_TRUE(exported.has_value()) << exported.error().message();
    }
    EXPECT_TRUE(job.Finish(built.result ? std::nullopt : std::optional(built.result.error())).has_value());
    return built;
  }
  std::string Exported(const std::string& path) { return ReadFile(dir_->Child(path)).value_or("(not there)"); }

  // Base image "box" from Debian's static busybox; false if that is not possible here.
  bool ImportBusybox() {
    if (::geteuid() != 0 || ::access("/bin/busybox", X_OK) != 0 || (!FindProgram("crun") && !FindProgram("runc"))) {
      return false;
    }
    const std::string rootfs = dir_->Child("rootfs");
    EXPECT_TRUE(MakeDirs(rootfs + "/bin").has_value());
    const std::string script = "cp /bin/busybox " + rootfs +
                               "/bin/ && for a in sh cat echo mkdir ls true sleep; do ln -s busybox " + rootfs +
                               "/bin/$a; done && mkdir -p " + rootfs + "/tmp " + rootfs + "/etc && tar -C " + rootfs +
                               " -cf " + rootfs + ".tar .";
    EXPECT_TRUE(RunProcess({.args = {"sh", "-c", script}})->status.ok());
    const auto imported = engine_->images().Import({.path = rootfs + ".tar", .names = {"box"}, .rootfs = true});
    EXPECT_TRUE(imported.has_value()) << imported.error().message();
    return imported.has_value();
  }

  std::optional<TempDir> dir_;
  std::unique_ptr<engine::Engine> engine_;
};

TEST_F(BuildTest, CopyToScratchAndExport) {
  Write("a.txt", "hello");
  Write("dir/b.txt", "there");
  const Built built = Build("FROM scratch\nCOPY a.txt /x/\nCOPY dir /y\n", "out");
  ASSERT_TRUE(built.result.has_value()) << built.result.error().message();
  EXPECT_EQ(Exported("out/x/a.txt"), "hello");
  EXPECT_EQ(Exported("out/y/b.txt"), "there");
  EXPECT_EQ(built.progress->Ran().size(), 2U);
}

TEST_F(BuildTest, UnchangedContextRunsNothingAndAChangedFileOnlyWhatUsesIt) {
  Write("a.txt", "1");
  Write("b.txt", "1");
  const std::string dockerfile =
      "FROM scratch AS a\nCOPY a.txt /\nFROM scratch AS b\nCOPY b.txt /\nFROM scratch\n"
      "COPY --from=a /a.txt /\nCOPY --from=b /b.txt /\n";
  ASSERT_TRUE(Build(dockerfile).result.has_value());
  Restart();
  EXPECT_THAT(Build(dockerfile).progress->Ran(), ::testing::IsEmpty());
  Write("b.txt", "1");  // touched
  EXPECT_THAT(Build(dockerfile).progress->Ran(), ::testing::IsEmpty());
  Write("b.txt", "2");
  const Built changed = Build(dockerfile, "out");
  EXPECT_EQ(Exported("out/b.txt"), "2");
  EXPECT_EQ(Exported("out/a.txt"), "1");
  EXPECT_EQ(changed.progress->Ran().size(), 2U) << ::testing::PrintToString(changed.progress->Ran());
  const auto builds = engine_->Builds(2).value();
  const auto origins = engine::OriginsOfWork(&builds[1], builds[0]);
  ASSERT_EQ(origins.size(), 1U);
  const engine::Explanation why = engine::ExplainStep(&builds[1], builds[0], *origins[0]);
  ASSERT_EQ(why.differences.size(), 1U) << origins[0]->name << ": " << why.differences[0].subject << ", "
                                        << why.differences[1].subject;
  EXPECT_EQ(why.differences[0].kind, engine::Difference::Kind::kFileChanged);
  EXPECT_EQ(why.differences[0].subject, "b.txt");
}

TEST_F(BuildTest, RunInAnImportedImage) {
  if (!ImportBusybox()) {
    LOAM_TEST_SKIP("needs root, busybox-static and crun or runc");
  }
  Write("name", "world");
  const std::string dockerfile =
      "FROM box AS build\nARG GREETING=hello\nCOPY name /name\n"
      "RUN echo $GREETING $(cat /name) > /out && cat /out\nFROM scratch\nCOPY --from=build /out /\n";
  const Built first = Build(dockerfile, "out");
  ASSERT_TRUE(first.result.has_value()) << first.result.error().message();
  EXPECT_EQ(Exported("out/out"), "hello world\n");
  EXPECT_THAT(first.progress->output(), ::testing::HasSubstr("hello world"));
  Restart();
  EXPECT_THAT(Build(dockerfile).progress->Ran(), ::testing::IsEmpty());

  ASSERT_TRUE(Build(dockerfile, "out", {{"build-arg:GREETING", "bye"}}).result.has_value());
  EXPECT_EQ(Exported("out/out"), "bye world\n");
  const auto builds = engine_->Builds(2).value();
  const auto* step = engine::FindStep(builds[0], "RUN echo").value();
  const engine::Explanation why = engine::ExplainStep(&builds[1], builds[0], *step);
  ASSERT_EQ(why.differences.size(), 1U);
  EXPECT_EQ(why.differences[0].kind, engine::Difference::Kind::kEnvironment);
  EXPECT_EQ(why.differences[0].subject, "GREETING");
  EXPECT_EQ(why.differences[0].after, "bye");

  ASSERT_GT(engine_->Prune({.all = true}).value().reclaimed_bytes, 0);
  EXPECT_EQ(Build(dockerfile, "out").progress->Ran().size(), 3U);
  EXPECT_EQ(Exported("out/out"), "hello world\n");
}

TEST_F(BuildTest, FailingStepNamesItselfAndItsLines) {
  if (!ImportBusybox()) {
    LOAM_TEST_SKIP("needs root, busybox-static and crun or runc");
  }
  const Built built = Build("FROM box\nRUN true\nRUN echo before; exit 7\nRUN true\n");
  ASSERT_FALSE(built.result.has_value());
  const auto* vertex = built.result.error().Detail<solver::VertexErrorDetail>();
  ASSERT_NE(vertex, nullptr) << built.result.error().message();
  EXPECT_THAT(vertex->name, ::testing::HasSubstr("exit 7"));
  const auto* exit = built.result.error().Detail<solver::ExitErrorDetail>();
  ASSERT_NE(exit, nullptr);
  EXPECT_EQ(exit->exit_code, 7);
  const auto source = built.report.vertex_sources.find(vertex->digest);
  ASSERT_NE(source, built.report.vertex_sources.end());
  EXPECT_EQ(source->second.lines.front().first, 3U);
  EXPECT_EQ(engine_->Builds(1).value().front().error, built.result.error().message());
}

}  // namespace
}  // namespace loam::gateway
