#include "runtime-executor/ops/exec_cache_mount.h"

#include <gtest/gtest.h>

#include <future>

#include "base/digest.h"

namespace loam::ops {
namespace {

class CacheMountTest : public testing::Test {
 protected:
  [[nodiscard]] CacheMountRequest Request(CacheSharing sharing) const { return {"key", sharing, nullptr}; }
  [[nodiscard]] std::string name() const { return Digest::Of("key").Hex(); }
  TempDir dir_ = TempDir::Create().value();
};

TEST_F(CacheMountTest, WhoWaitsForTheFillingJoinsWhileTheFirstStillUsesIt) {
  std::promise<void> filling;
  std::promise<void> may_fill;
  CacheMountRequest request = Request(CacheSharing::kShared);
  request.fill = [&](int) -> Result<> {
    filling.set_value();
    may_fill.get_future().wait();
    return {};
  };
  std::promise<void> done;
  auto first = std::async(std::launch::async, [&] {
    const auto mount = CacheMount::Open(dir_.path(), request, {});
    EXPECT_TRUE(mount);
    done.get_future().wait();  // in use until the second has it too
  });
  filling.get_future().wait();
  auto second = std::async(std::launch::async, [&] {
    return CacheMount::Open(dir_.path(), Request(CacheSharing::kShared), {}).has_value();
  });
  // It waits while the first fills.
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  may_fill.set_value();
  EXPECT_TRUE(second.get());
  done.set_value();
  first.get();
}

TEST_F(CacheMountTest, OnlyUnusedOnesAreRemoved) {
  {
    const auto mount = CacheMount::Open(dir_.path(), Request(CacheSharing::kShared), {});
    ASSERT_TRUE(mount);
    EXPECT_TRUE(CacheMount::InUse(dir_.path(), name()).value());
    EXPECT_FALSE(CacheMount::Remove(dir_.path(), name()).value());
  }
  EXPECT_FALSE(CacheMount::InUse(dir_.path(), name()).value());
  EXPECT_TRUE(CacheMount::Remove(dir_.path(), name()).value());
  EXPECT_FALSE(CacheMount::Remove(dir_.path(), name()).value()) << "it is gone";
  for (const CacheSharing sharing : {CacheSharing::kShared, CacheSharing::kLocked, CacheSharing::kPrivate}) {
    EXPECT_TRUE(CacheMount::Open(dir_.path(), Request(sharing), {})) << "and comes back";
  }
}

TEST_F(CacheMountTest, WaitingEndsOnStop) {
  const auto held = CacheMount::Open(dir_.path(), Request(CacheSharing::kLocked), {});
  ASSERT_TRUE(held);
  for (const CacheSharing sharing : {CacheSharing::kShared, CacheSharing::kLocked}) {
    std::stop_source stop;
    stop.request_stop();
    const auto mount = CacheMount::Open(dir_.path(), Request(sharing), stop.get_token());
    ASSERT_FALSE(mount);
    EXPECT_TRUE(mount.error().Is(ErrorCode::kCanceled));
  }
}

}  // namespace
}  // namespace loam::ops
