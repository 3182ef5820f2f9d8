#include "base/task_pool.h"

#include <atomic>

namespace loam {

TaskPool::~TaskPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  // Tasks that still run may submit more; threads_ grows under the lock until the queue is drained.
  for (std::size_t i = 0;; ++i) {
    std::thread thread;
    {
      const std::lock_guard lock(mutex_);
      if (i == threads_.size()) {
        break;
      }
      thread = std::move(threads_[i]);
    }
    thread.join();
  }
}

void TaskPool::Submit(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(task));
  if (idle_ >= queue_.size()) {
    wake_.notify_one();
  } else {
    threads_.emplace_back([this] { Loop(); });
  }
}

void TaskPool::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) {
      return;
    }
    std::function<void()> task = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

void ParallelFor(std::size_t count, const std::function<void(std::size_t)>& body, std::size_t parallelism) {
  if (parallelism == 0) {
    parallelism = std::max(1U, std::thread::hardware_concurrency());
  }
  parallelism = std::min(parallelism, count);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      body(i);
    }
  };
  std::vector<std::jthread> helpers;
  for (std::size_t i = 1; i < parallelism; ++i) {
    helpers.emplace_back(work);
  }
  work();
}

}  // namespace loam
