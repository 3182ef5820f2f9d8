// TaskPool: threads for blocking work. A submitted task starts at once (idle threads are reused, otherwise one is made,
// up to thousands), so tasks may wait for each other; limits on parallel work belong to whoever knows the resource.
// Threads beyond a few dozen end when they have nothing to do.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

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
  using Threads = std::list<std::thread>;

  void Loop(Threads::iterator self);
  // With mutex_ held. False where no thread can be had.
  bool AddThread();

  std::mutex mutex_;  // guards everything below
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  Threads threads_;
  // Have ended, or are about to; not joined yet.
  Threads finished_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

// Runs body(0) … body(count-1) on up to `parallelism` threads (0: one per core), the calling thread included, and
// returns when all are done. The order of the calls is not defined.
void ParallelFor(std::size_t count, const std::function<void(std::size_t)>& body, std::size_t parallelism = 0);

}  // namespace loam
