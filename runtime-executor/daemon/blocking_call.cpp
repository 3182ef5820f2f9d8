#include "runtime-executor/daemon/blocking_call.h"

namespace loam::daemon {

CallStops::CallStops(std::stop_token daemon)
    : daemon_(std::move(daemon)), thread_([this](const std::stop_token& ended) { Loop(ended); }) {}

void CallStops::Request(std::stop_source source) {
  {
    const std::lock_guard lock(mutex_);
    gone_.push_back(std::move(source));
  }
  wake_.notify_one();
}

void CallStops::Loop(const std::stop_token& ended) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, ended, [this] { return !gone_.empty(); })) {
    std::vector<std::stop_source> gone = std::move(gone_);
    gone_.clear();
    // Not under the lock: a stop may take a while, others are requested meanwhile.
    lock.unlock();
    for (std::stop_source& source : gone) {
      source.request_stop();
    }
    gone.clear();
    lock.lock();
  }
}

}  // namespace loam::daemon
