#include "runtime-executor/engine/source_policy.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/digest.h"
#include "llb-emit/encode.h"

namespace loam::engine {
namespace {

// A definition whose last operation depends on `count` sources.
pb::Definition Sources(int count) {
  pb::Definition definition;
  pb::Op result;
  for (int i = 0; i < count; ++i) {
    pb::Op source;
    source.mutable_source()->set_identifier("docker-image://example.com/image:" + std::to_string(i));
    definition.add_def(llb::EncodeOp(source));
    result.add_inputs()->set_digest(Digest::Of(definition.def(i)).ToString());
  }
  definition.add_def(llb::EncodeOp(result));
  return definition;
}

TEST(SourcePolicyTest, WhoDecidesIsAskedForManySourcesAtOnce) {
  constexpr int kCount = 8;
  std::mutex mutex;
  std::condition_variable all;
  int asked = 0;
  const auto rewritten = RewriteSources(
      Sources(kCount).SerializeAsString(),
      [&](pb::Op& op) -> Result<bool> {
        std::unique_lock lock(mutex);
        if (++asked == kCount) {
          all.notify_all();
        }
        // A client may answer only when it was asked for all of them.
        if (!all.wait_for(lock, std::chrono::seconds(30), [&] { return asked == kCount; })) {
          return Unexpected(ErrorCode::kDeadlineExceeded, "asked one after the other");
        }
        if (op.source().identifier().ends_with(":3")) {
          op.mutable_source()->set_identifier("docker-image://example.com/other:3");
          return true;
        }
        return false;
      },
      kCount);
  ASSERT_TRUE(rewritten) << rewritten.error().message();
  ASSERT_TRUE(*rewritten);
  pb::Definition definition;
  ASSERT_TRUE(definition.ParseFromString(**rewritten));
  ASSERT_EQ(definition.def_size(), kCount + 1);
  pb::Op changed;
  ASSERT_TRUE(changed.ParseFromString(definition.def(3)));
  EXPECT_EQ(changed.source().identifier(), "docker-image://example.com/other:3");
  pb::Op result;
  ASSERT_TRUE(result.ParseFromString(definition.def(kCount)));
  EXPECT_EQ(result.inputs(3).digest(), Digest::Of(definition.def(3)).ToString());
}

}  // namespace
}  // namespace loam::engine
