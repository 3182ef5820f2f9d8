#include "runtime-executor/worker/limited_worker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace loam::worker {
namespace {

// Runs that last until they are let go; counts how many there are at once.
class SlowWorker final : public Worker {
 public:
  Result<ExecResult> Run(const ExecSpec&, OutputSink&, std::stop_token) override {
    std::unique_lock lock(mutex_);
    most_ = std::max(most_, ++running_);
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --running_;
    return ExecResult();
  }
  Result<std::unique_ptr<Container>> Start(const ExecSpec&, const ProcessStreams&, std::stop_token) override {
    return Unexpected(ErrorCode::kUnimplemented, "no containers");
  }
  [[nodiscard]] std::string Describe() const override { return "slow"; }

  void WaitFor(int running) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return running_ == running; });
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  int most() {
    const std::lock_guard lock(mutex_);
    return most_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int running_ = 0;
  int most_ = 0;
  bool open_ = false;
};

class NoOutput final : public OutputSink {
 public:
  void Write(OutputStream, std::string_view) override {}
};

TEST(LimitedWorkerTest, OnlySoManyAtOnceAndWaitingOnesCanBeStopped) {
  auto owned = std::make_unique<SlowWorker>();
  SlowWorker& slow = *owned;
  const auto worker = LimitRuns(std::move(owned), 2);
  const ExecSpec spec;
  std::atomic<int> succeeded = 0;
  const auto run = [&](std::stop_token stop) {
    NoOutput output;
    const auto result = worker->Run(spec, output, std::move(stop));
    succeeded += result ? 1 : 0;
    return result;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 5; ++i) {
    threads.emplace_back([&] { run({}); });
  }
  slow.WaitFor(2);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = run(stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_TRUE(stopped.error().Is(ErrorCode::kCanceled));
  slow.Open();
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(succeeded, 5);
  EXPECT_EQ(slow.most(), 2);
}

}  // namespace
}  // namespace loam::worker
