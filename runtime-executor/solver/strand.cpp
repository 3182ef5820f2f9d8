#include "runtime-executor/solver/strand.h"

#include <condition_variable>

namespace loam::solver {

void Strand::Post(std::function<void()> event) {
  std::unique_lock lock(mutex_);
  queue_.push_back(std::move(event));
  if (draining_) {
    return;
  }
  draining_ = true;
  lock.unlock();
  before_();
  lock.lock();
  while (!queue_.empty()) {
    std::function<void()> next = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    next();
    next = nullptr;  // what it holds may post on destruction
    lock.lock();
    if (queue_.empty()) {
      // Unlocked, because it may do I/O; still draining, so that `before` never overlaps it.
      lock.unlock();
      after_();
      lock.lock();
      if (!queue_.empty()) {
        lock.unlock();
        before_();
        lock.lock();
      }
    }
  }
  draining_ = false;
}

void Strand::PostAndWait(const std::function<void()>& event) {
  std::mutex mutex;
  std::condition_variable handled;
  bool done = false;
  Post([&] {
    event();
    const std::lock_guard lock(mutex);
    done = true;
    handled.notify_all();
  });
  std::unique_lock lock(mutex);
  handled.wait(lock, [&] { return done; });
}

}  // namespace loam::solver
