#include "compiler/passes/lower_capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "compiler/ir/module.h"
#include "compiler/ir/verifier.h"
#include "compiler/passes/rewriter.h"

namespace loam::passes {
namespace {

using ::testing::ElementsAre;

class LowerCaptureTest : public ::testing::Test {
 protected:
  ir::Value Capture(std::string_view command, std::vector<ir::Mount> more = {}) {
    const std::array<std::string_view, 3> args = {"/bin/sh", "-c", command};
    const std::array<std::string_view, 1> env = {"PATH=/bin"};
    std::vector<ir::Mount> mounts = {{.input = 0, .dest = "/", .output = 0}};
    mounts.insert(mounts.end(), more.begin(), more.end());
    ir::ExecAttrs exec;
    exec.args = args;
    exec.env = env;
    exec.cwd = "/src";
    exec.user = "me";
    exec.mounts = mounts;
    return graph().Add<ir::OpKind::kCapture>(std::array{base_}, exec, {.platform = &platform_});
  }
  ir::Graph& graph() { return module_.graph; }
  const ir::ExecAttrs& ExecOf(ir::Value value) { return graph().node(value).As<ir::ExecAttrs>(); }

  ir::Module module_;
  ir::Platform platform_{.os = "linux", .architecture = "amd64"};
  ir::Value base_ = module_.graph.Add<ir::OpKind::kSourceImage>({}, {.identifier = "alpine", .attrs = {}});
};

TEST_F(LowerCaptureTest, RunsTheCommandThroughTheShellAndKeepsItsSurroundings) {
  const ir::Value lowered = LowerCapture(graph(), Capture("echo hi"));
  ASSERT_EQ(graph().node(lowered).kind(), ir::OpKind::kExec);
  const ir::ExecAttrs& exec = ExecOf(lowered);
  ASSERT_EQ(exec.args.size(), 7U);
  EXPECT_EQ(exec.args[0], "/bin/sh");
  EXPECT_NE(exec.args[2].find("\"$@\" >/run/loam-capture/stdout"), std::string_view::npos);
  EXPECT_THAT(std::vector(exec.args.begin() + 4, exec.args.end()), ElementsAre("/bin/sh", "-c", "echo hi"));
  EXPECT_THAT(std::vector(exec.env.begin(), exec.env.end()), ElementsAre("PATH=/bin"));
  EXPECT_EQ(exec.cwd, "/src");
  EXPECT_EQ(exec.user, "me");
  ASSERT_NE(graph().node(lowered).platform(), nullptr);
  EXPECT_EQ(graph().node(lowered).platform()->architecture, "amd64");
}

TEST_F(LowerCaptureTest, OnlyTheFilesOfTheAnswerAreAResult) {
  const ir::Value lowered = LowerCapture(graph(), Capture("true"));
  const ir::ExecAttrs& exec = ExecOf(lowered);
  ASSERT_EQ(exec.mounts.size(), 2U);
  EXPECT_EQ(exec.mounts[0].dest, "/");
  EXPECT_EQ(exec.mounts[0].output, -1);
  EXPECT_EQ(exec.mounts[1].dest, kCaptureMount);
  EXPECT_EQ(exec.mounts[1].output, 0);
  EXPECT_EQ(exec.mounts[1].selector, "/capture");
  // Any user can write the answer.
  const ir::Value directory = graph().node(lowered).operands()[static_cast<std::size_t>(exec.mounts[1].input)];
  EXPECT_EQ(graph().node(directory).As<ir::FileAttrs>().actions[0].mode, 01777);
  EXPECT_EQ(graph().node(lowered).result_count(), 1U);
}

TEST_F(LowerCaptureTest, ARootMayBeAnOutputThatNobodyUses) {
  const ir::Value lowered = LowerCapture(graph(), Capture("true"), CaptureRoot::kUnused);
  const ir::ExecAttrs& exec = ExecOf(lowered);
  ASSERT_EQ(exec.mounts.size(), 2U);
  EXPECT_EQ(exec.mounts[0].dest, "/");
  EXPECT_EQ(exec.mounts[0].output, 0);
  EXPECT_EQ(exec.mounts[1].dest, kCaptureMount);
  EXPECT_EQ(exec.mounts[1].output, 1);
  EXPECT_EQ(lowered.result, 1U);
  EXPECT_TRUE(ir::Verify(module_));
}

TEST_F(LowerCaptureTest, MountsStaySortedWithSecretsLast) {
  const ir::Value capture =
      Capture("true", {{.kind = ir::MountKind::kCache, .dest = "/cache", .output = -1, .cache_id = "c"},
                       {.kind = ir::MountKind::kTmpfs, .dest = "/tmp", .output = -1},
                       {.kind = ir::MountKind::kSecret,
                        .dest = "/etc/secret",
                        .output = 0,
                        .credential = ir::MountCredential{.id = "s"}}});
  const ir::Value lowered = LowerCapture(graph(), capture);
  std::vector<std::string_view> places;
  for (const ir::Mount& mount : ExecOf(lowered).mounts) {
    places.push_back(mount.dest);
  }
  EXPECT_THAT(places, ElementsAre("/", "/cache", kCaptureMount, "/tmp", "/etc/secret"));
  module_.results.push_back({.platform_id = "linux/amd64", .fs = lowered});
  const Result<> valid = ir::Verify(module_);
  EXPECT_TRUE(valid) << valid.error().message();
}

TEST_F(LowerCaptureTest, TheSameCommandIsTheSameExecWithItsNameOnce) {
  const ir::Value capture = Capture("echo hi");
  const std::array name = {ir::KeyValue{kCustomName, "+build | IF"}};
  graph().Annotate(capture, {.ignore_cache = true, .description = name});
  const ir::Value first = LowerCapture(graph(), capture);
  const ir::Value second = LowerCapture(graph(), capture);
  EXPECT_EQ(first, second);
  EXPECT_NE(first, LowerCapture(graph(), Capture("echo ho")));
  EXPECT_EQ(graph().MetadataOf(first.node_id()).size(), 1U);
  EXPECT_TRUE(graph().MergedMetadata(first.node_id()).ignore_cache);
  EXPECT_EQ(StepName(graph(), first.node_id()), "+build | IF");
}

}  // namespace
}  // namespace loam::passes
