#include "cli/logbus/log_bus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_system.h"
#include "tests/support/fake_clock.h"

namespace loam::cli::logbus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Json = nlohmann::json;
using Members = Record::Members;

TEST(LogRecord, HasTheWireFormatAndTheJsonOfProtobuf) {
  Record inner(Members::kSet);
  inner.Text(1, "name", "x");
  Record record(Members::kSet);
  record.Text(1, "aText", "hi")
      .Number(2, "aNumber", 300)
      .Number64(3, "aTime", 5)
      .Bool(4, "aBool", true)
      .Enum(5, "status", 3, "DONE")
      .Bytes(6, "data", std::string_view("\xff\x00", 2))
      .Message(7, "inner", inner)
      .Map(8, "map", {{"k", inner}})
      .Texts(9, "texts", {"a", ""})
      .Text(10, "unset", "");
  using namespace std::string_literals;  // with its NULs
  EXPECT_EQ(record.wire(),
            "\x0a\x02hi\x10\xac\x02\x18\x05\x20\x01\x28\x03\x32\x02\xff\x00\x3a\x03\x0a\x01x\x42\x08\x0a\x01k\x12\x03"
            "\x0a\x01x"
            "\x4a\x01"
            "a\x4a\x00"s);
  EXPECT_EQ(record.json().dump(),
            R"({"aText":"hi","aNumber":300,"aTime":"5","aBool":true,"status":"DONE","data":"/wA=",)"
            R"("inner":{"name":"x"},"map":{"k":{"name":"x"}},"texts":["a",""]})");
}

TEST(LogRecord, AllMembersHaveTheirDefaults) {
  Record record(Members::kAll);
  record.Text(1, "text", "")
      .Number64(2, "time", 0)
      .Bool(3, "flag", false)
      .Message(4, "message", std::nullopt)
      .Map(5, "map", {})
      .Texts(6, "texts", {})
      .Enum(7, "status", 0, "UNKNOWN");
  EXPECT_THAT(record.wire(), IsEmpty());
  EXPECT_EQ(record.json().dump(),
            R"({"text":"","time":"0","flag":false,"message":null,"map":{},"texts":[],"status":"UNKNOWN"})");
}

TEST(LogRecord, TextsAreUtf8) {
  Record record(Members::kSet);
  record.Text(1, "text", "a\xff b");
  EXPECT_EQ(record.json().dump(), "{\"text\":\"a\xef\xbf\xbd b\"}");
}

// A build of +all, which needs +lib, as its parts tell it.
class LogBusTest : public ::testing::Test {
 protected:
  void Open(const std::string& delta_file = {}) {
    auto opened = LogBus::Open({.delta_file = delta_file,
                                .build_id = "b",
                                .runner = "local:here",
                                .is_ci = true,
                                .clock = &clock_,
                                .steps = steps_,
                                .sources = sources_});
    ASSERT_TRUE(opened) << opened.error().message();
    bus_ = *opened;
  }
  void Begin(std::uint32_t command, std::uint32_t target, std::string name) {
    bus_->BeginCommand(command, {.target = target,
                                 .target_name = target == 1 ? "+all" : "+lib",
                                 .name = std::move(name),
                                 .platform = "linux/amd64",
                                 .local = false,
                                 .interactive = false,
                                 .range = {}});
  }
  void Step(const std::string& vertex, std::vector<std::uint32_t> commands) {
    gateway::earthfile::Step step;
    step.target = "+all";
    step.command = vertex;
    step.commands = std::move(commands);
    steps_->AddNamed(vertex, std::move(step));
  }
  void Run(const std::string& vertex, const std::string& error = {}, bool cached = false) {
    solver::VertexEvent event{.digest = Digest::Of(vertex), .name = vertex, .inputs = {}, .progress_group = {}};
    event.started = clock_.Now();
    bus_->OnEvent(event);
    clock_.Advance(std::chrono::seconds(1));
    event.completed = clock_.Now();
    event.cached = cached;
    event.error = error;
    bus_->OnEvent(event);
  }
  Json Manifest() {
    const std::string path = directory_.Child("man.json");
    const Result<> written = bus_->WriteManifest(path);
    EXPECT_TRUE(written);
    return Json::parse(ReadFile(path).value_or("null"));
  }

  FakeClock clock_;
  std::shared_ptr<gateway::earthfile::StepRegistry> steps_ = std::make_shared<gateway::earthfile::StepRegistry>();
  std::shared_ptr<source::SourceManager> sources_ = std::make_shared<source::SourceManager>();
  std::shared_ptr<LogBus> bus_;
  TempDir directory_ = *TempDir::Create();
};

TEST_F(LogBusTest, AManifestHasTargetsCommandsAndWhatTheyNeed) {
  Open();
  bus_->BeginTarget(
      1, {.name = "+all", .canonical = "+all", .local_path = ".", .args = {"a=1"}, .platform = "linux/amd64"});
  Begin(1, 1, "BUILD +lib");
  bus_->Need(1, 1, 2, "lib");
  bus_->Need(1, 1, 2, "lib");
  bus_->BeginTarget(2, {.name = "+lib", .canonical = "+lib", .local_path = ".", .platform = "linux/amd64"});
  Begin(2, 2, "RUN make   it");
  bus_->EndCommand(2, {.name = "RUN make it", .steps = true});
  bus_->EndTarget(2, "linux/amd64", true);
  bus_->EndCommand(1, {});
  bus_->EndTarget(1, "linux/amd64", true);
  Step("RUN make it", {2});
  Run("RUN make it", {}, true);
  Run("[internal] load metadata for x");
  ASSERT_TRUE(bus_->Finish({.ok = true}));
  const Json manifest = Manifest();
  EXPECT_EQ(manifest["status"], "RUN_STATUS_SUCCESS");
  EXPECT_EQ(manifest["isCi"], true);
  EXPECT_EQ(manifest["failure"], nullptr);
  EXPECT_EQ(manifest["mainTargetId"], "b-1");
  EXPECT_EQ(manifest["targets"]["b-1"]["dependsOn"], Json({"b-2"}));
  EXPECT_EQ(manifest["targets"]["b-1"]["overrideArgs"], Json({"a=1"}));
  EXPECT_EQ(manifest["targets"]["b-1"]["runner"], "local:here");
  EXPECT_EQ(manifest["targets"]["b-2"]["status"], "RUN_STATUS_SUCCESS");
  const Json& build = manifest["commands"]["b-1/1"];
  EXPECT_EQ(build["dependsOn"], Json({{{"targetId", "b-2"}, {"referencedName", "lib"}}}));
  EXPECT_EQ(build["status"], "RUN_STATUS_SUCCESS");
  const Json& run = manifest["commands"]["b-2/1"];
  EXPECT_EQ(run["name"], "RUN make it");
  EXPECT_EQ(run["isCached"], true);
  EXPECT_EQ(std::stoull(run["endedAtUnixNanos"].get<std::string>()) -
                std::stoull(run["startedAtUnixNanos"].get<std::string>()),
            1'000'000'000U);
  const Json& other = manifest["commands"][Digest::Of("[internal] load metadata for x").ToString()];
  EXPECT_EQ(other["targetId"], "");
  EXPECT_EQ(other["category"], "internal");
  EXPECT_EQ(manifest["commands"].size(), 3U);
}

TEST_F(LogBusTest, AFailureHasItsCommandAndItsOutput) {
  Open();
  bus_->BeginTarget(1, {.name = "+all"});
  Begin(1, 1, "RUN false");
  bus_->EndCommand(1, {.steps = true});
  Begin(2, 1, "RUN later");
  bus_->EndCommand(2, {.steps = true});
  bus_->EndTarget(1, "", true);
  Step("RUN false", {1});
  bus_->OnEvent(solver::VertexEvent{.digest = Digest::Of("RUN false"), .name = "RUN false"});
  bus_->OnEvent(solver::LogEvent{.vertex = Digest::Of("RUN false"), .data = "no\n", .timestamp = clock_.Now()});
  Run("RUN false", "exit code: 1");
  ASSERT_TRUE(
      bus_->Finish({.type = FailureType::kNonzeroExit, .message = "it failed", .vertex = Digest::Of("RUN false")}));
  const Json manifest = Manifest();
  EXPECT_EQ(manifest["status"], "RUN_STATUS_FAILURE");
  EXPECT_EQ(manifest["failure"]["type"], "FAILURE_TYPE_NONZERO_EXIT");
  EXPECT_EQ(manifest["failure"]["commandId"], "b-1/1");
  EXPECT_EQ(manifest["failure"]["targetId"], "b-1");
  EXPECT_EQ(manifest["failure"]["output"], "bm8K");
  EXPECT_EQ(manifest["commands"]["b-1/1"]["status"], "RUN_STATUS_FAILURE");
  EXPECT_EQ(manifest["commands"]["b-1/2"]["status"], "RUN_STATUS_NOT_STARTED");
  EXPECT_EQ(manifest["targets"]["b-1"]["status"], "RUN_STATUS_FAILURE");
}

TEST_F(LogBusTest, ChangesLeadToTheManifest) {
  const std::string path = directory_.Child("bus.json");
  Open(path);
  bus_->BeginTarget(1, {.name = "+all"});
  Begin(1, 1, "RUN x");
  bus_->EndCommand(1, {.steps = true});
  bus_->EndTarget(1, "", true);
  Step("RUN x", {1});
  Run("RUN x");
  bus_->OnDisplay("+all | x\n");
  ASSERT_TRUE(bus_->Finish({.ok = true}));
  const std::string text = ReadFile(path).value_or("");
  std::vector<Json> deltas;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    deltas.push_back(Json::parse(text.substr(at, text.find('\n', at) - at)));
  }
  std::vector<std::string> statuses;
  for (const Json& delta : deltas) {
    const auto pointer = Json::json_pointer("/deltaManifest/fields/commands/b-1~11/status");
    if (delta.contains(pointer)) {
      statuses.push_back(delta[pointer]);
    }
  }
  EXPECT_EQ(deltas.front()["deltaManifest"]["fields"]["status"], "RUN_STATUS_IN_PROGRESS");
  EXPECT_THAT(statuses, ElementsAre("RUN_STATUS_IN_PROGRESS", "RUN_STATUS_SUCCESS"));
  EXPECT_THAT(text, HasSubstr(R"("deltaFormattedLog":{"targetId":"_full")"));
  EXPECT_EQ(deltas.back()["deltaManifest"]["fields"]["status"], "RUN_STATUS_SUCCESS");
}

TEST_F(LogBusTest, AFileThatCannotBeMade) {
  const auto opened =
      LogBus::Open({.delta_file = "/nowhere/bus.json", .clock = &clock_, .steps = steps_, .sources = sources_});
  ASSERT_FALSE(opened);
  EXPECT_THAT(std::string(opened.error().message()), HasSubstr("/nowhere/bus.json"));
}

}  // namespace
}  // namespace loam::cli::logbus
