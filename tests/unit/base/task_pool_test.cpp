#include "base/task_pool.h"

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <latch>

namespace loam {
namespace {

std::ptrdiff_t ThreadsOfThisProcess() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

TEST(TaskPoolTest, TasksThatWaitForEachOtherAllStart) {
  constexpr int kTasks = 300;
  TaskPool pool;
  std::latch all(kTasks);
  std::latch done(kTasks);
  for (int i = 0; i < kTasks; ++i) {
    pool.Submit([&] {
      all.arrive_and_wait();
      done.count_down();
    });
  }
  done.wait();
}

TEST(TaskPoolTest, ThreadsWithoutWorkEnd) {
  constexpr int kTasks = 300;
  const std::ptrdiff_t before = ThreadsOfThisProcess();
  TaskPool pool;
  std::latch all(kTasks);
  for (int i = 0; i < kTasks; ++i) {
    pool.Submit([&] { all.arrive_and_wait(); });
  }
  all.wait();
  while (ThreadsOfThisProcess() - before > 50) {
    std::this_thread::yield();
  }
  // Those that stay, and those that have ended, are no hindrance to what comes.
  std::latch again(kTasks);
  for (int i = 0; i < kTasks; ++i) {
    pool.Submit([&] { again.arrive_and_wait(); });
  }
  again.wait();
}

TEST(TaskPoolTest, TheEndWaitsForTasksThatSubmitMore) {
  std::atomic<int> ran = 0;
  {
    TaskPool pool;
    for (int i = 0; i < 20; ++i) {
      pool.Submit([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        pool.Submit([&] { ++ran; });
      });
    }
  }
  EXPECT_EQ(ran, 20);
}

}  // namespace
}  // namespace loam
