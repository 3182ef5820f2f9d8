// The inside of CodecPool: a first-in first-out queue of short tasks and the threads that run them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime-executor/content/compression.h"

namespace loam::content {

struct CodecPool::State {
  explicit State(std::size_t thread_count);
  ~State();

  // `urgent` tasks go to the front: they free memory that others wait for.
  void Post(std::function<void()> task, bool urgent = false);

 private:
  void Loop();

  std::mutex mutex_;  // guards the three below
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace loam::content
