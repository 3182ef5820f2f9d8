// Counts the builds that run, so that what may only happen between builds does. Internal to this folder.
#pragma once

#include <mutex>

namespace loam::engine {

// Thread-safe.
class JobGate {
 public:
  void Enter() {
    const std::lock_guard lock(mutex_);
    ++running_;
  }
  void Leave() {
    const std::lock_guard lock(mutex_);
    --running_;
  }
  [[nodiscard]] bool idle() const {
    const std::lock_guard lock(mutex_);
    return running_ == 0;
  }
  // Calls it if no build runs, and lets none begin meanwhile; false if one runs.
  template <class Body>
  bool IfIdle(Body body) {
    const std::lock_guard lock(mutex_);
    if (running_ != 0) {
      return false;
    }
    body();
    return true;
  }

 private:
  mutable std::mutex mutex_;  // guards running_; held while an IfIdle body runs
  int running_ = 0;
};

}  // namespace loam::engine
