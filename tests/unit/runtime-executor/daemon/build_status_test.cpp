#include "runtime-executor/daemon/build_status.h"

#include <gtest/gtest.h>

#include "proto/api/services/control/control.pb.h"
#include "tests/support/fake_clock.h"

namespace loam::daemon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{1};

solver::ProgressEvent Vertex(const std::string& name) {
  solver::VertexEvent event;
  event.name = name;
  return event;
}

// Clients ask for the progress on a call of its own, which may come when a short build is over.
TEST(StatusHubTest, ABuildThatNoHistoryKeepsCanBeAskedForAfterItsEnd) {
  FakeClock clock;
  StatusHub hub(clock);
  const auto status = hub.Start("a");
  ASSERT_TRUE(status);
  (*status)->OnEvent(Vertex("step"));
  hub.End("a", AfterEnd::kInHub);
  EXPECT_EQ(hub.Find("a"), nullptr);
  const auto late = hub.Wait("a", kPatience, {});
  ASSERT_TRUE(late) << late.error().message();
  ASSERT_NE(*late, nullptr);
  std::size_t position = 0;
  StatusResponse response;
  ASSERT_TRUE((*late)->Next(position, response, {}));
  EXPECT_EQ(response.vertexes(0).name(), "step");
  EXPECT_FALSE((*late)->Next(position, response, {}));
  // Not for ever.
  clock.Advance(StatusHub::kLinger + std::chrono::seconds(1));
  const auto too_late = hub.Wait("a", kPatience, {});
  ASSERT_TRUE(too_late);
  EXPECT_EQ(*too_late, nullptr);
}

// Otherwise a client waits for the rest of the push, and never shows why the step failed.
TEST(StatusHubTest, PartsOfAStepThatFailsEndWithIt) {
  BuildStatus status;
  solver::VertexEvent step;
  step.digest = Digest::Of("step");
  step.started = WallTime(std::chrono::seconds(1));
  status.OnEvent(step);
  solver::StatusEvent part;
  part.vertex = step.digest;
  part.id = "done";
  part.started = step.started;
  part.completed = WallTime(std::chrono::seconds(2));
  status.OnEvent(part);
  part.id = "pushing layers";
  part.completed.reset();
  status.OnEvent(part);
  solver::StatusEvent other = part;
  other.vertex = Digest::Of("other");
  status.OnEvent(other);
  step.completed = WallTime(std::chrono::seconds(3));
  step.error = "refused";
  status.OnEvent(step);

  std::size_t position = 0;
  StatusResponse response;
  ASSERT_TRUE(status.NextIfThere(position, response));
  ASSERT_EQ(response.statuses_size(), 4);
  EXPECT_EQ(response.statuses(3).id(), "pushing layers");
  EXPECT_EQ(response.statuses(3).vertex(), step.digest.ToString());
  EXPECT_EQ(response.statuses(3).completed().seconds(), 3);
  EXPECT_EQ(response.vertexes(1).error(), "refused");
}

TEST(StatusHubTest, RunningRecordedAndUnknownBuilds) {
  StatusHub hub;
  ASSERT_TRUE(hub.Start("a"));
  EXPECT_FALSE(hub.Start("a"));
  EXPECT_NE(hub.Find("a"), nullptr);
  hub.End("a", AfterEnd::kInHistory);
  const auto recorded = hub.Wait("a", kPatience, {});
  ASSERT_TRUE(recorded);
  EXPECT_EQ(*recorded, nullptr);
  EXPECT_FALSE(hub.Wait("b", kPatience, {}));
  // The same ref again.
  const auto again = hub.Start("a");
  ASSERT_TRUE(again);
  EXPECT_EQ(*hub.Wait("a", kPatience, {}), *again);
}

}  // namespace
}  // namespace loam::daemon
