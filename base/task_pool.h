// TaskPool: threads for blocking work. A submitted task always starts at once (idle threads are reused, otherwise one
// is made), so tasks may wait for each other; limits on parallel work belong to whoever knows the resource.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace loam {

class TaskPool {
 public:
  TaskPool() = default;
  // Waits for all tasks.
  ~TaskPool();
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  void Submit(std::function<void()> task);

 private:
  void Loop();

  std::mutex mutex_;  // guards everything below
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

// Runs body(0) … body(count-1) on up to `parallelism` threads (0: one per core), the calling thread included, and
// returns when all are done. The order of the calls is not defined.
void ParallelFor(std::size_t count, const std::function<void(std::size_t)>& body, std::size_t parallelism = 0);

}  // namespace loam
