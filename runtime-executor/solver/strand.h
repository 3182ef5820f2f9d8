// Strand: events handled one at a time, in the order they were posted, by whichever thread posts while none is at it.
// State that only events touch needs no lock.
#pragma once

#include <deque>
#include <functional>
#include <mutex>

namespace loam::solver {

class Strand {
 public:
  // `before` and `after` bracket every stretch of events handled by one thread.
  Strand(std::function<void()> before, std::function<void()> after)
      : before_(std::move(before)), after_(std::move(after)) {}
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;

  // Handles the event, and those that others post meanwhile, before it returns, unless another thread is handling.
  // From inside an event: queues only.
  void Post(std::function<void()> event);
  // Posts, and waits until the event was handled. Never from inside an event.
  void PostAndWait(const std::function<void()>& event);

 private:
  std::function<void()> before_;
  std::function<void()> after_;
  std::mutex mutex_;  // guards the rest
  std::deque<std::function<void()>> queue_;
  bool draining_ = false;
};

}  // namespace loam::solver
