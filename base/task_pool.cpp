#include "base/task_pool.h"

#include <atomic>
#include <system_error>

#include "base/check.h"

namespace loam {
namespace {

// Far more than any sane build needs: only definitions made to hurt come here.
constexpr std::size_t kMostThreads = 8'192;
constexpr std::size_t kMostIdle = 48;

}  // namespace

TaskPool::~TaskPool() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
  // Tasks that still run may submit more.
  while (!threads_.empty() || !finished_.empty()) {
    Threads ending = std::move(finished_);
    ending.splice(ending.end(), threads_);
    finished_.clear();
    lock.unlock();
    for (std::thread& thread : ending) {
      thread.join();
    }
    lock.lock();
  }
}

void TaskPool::Submit(std::function<void()> task) {
  Threads finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
    queue_.push_back(std::move(task));
    if (idle_ >= queue_.size()) {
      wake_.notify_one();
    } else {
      // Where there is no more to be had, whoever is free first takes it.
      const bool started = threads_.size() < kMostThreads && AddThread();
      LOAM_CHECK(started || !threads_.empty(), "the system gives no thread at all");
    }
  }
  for (std::thread& thread : finished) {
    thread.join();
  }
}

bool TaskPool::AddThread() {
  const auto self = threads_.emplace(threads_.end());
  try {
    *self = std::thread([this, self] { Loop(self); });
    return true;
  } catch (const std::system_error&) {
    threads_.erase(self);
    return false;
  }
}

void TaskPool::Loop(Threads::iterator self) {
  std::unique_lock lock(mutex_);
  while (true) {
    if (queue_.empty() && !stopping_) {
      if (idle_ >= kMostIdle) {
        finished_.splice(finished_.end(), threads_, self);
        return;
      }
      ++idle_;
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      --idle_;
    }
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
