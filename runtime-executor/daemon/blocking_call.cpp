#include "runtime-executor/daemon/blocking_call.h"

#include <system_error>

namespace loam::daemon {

CallStops::CallStops(std::stop_token daemon, int most)
    : daemon_(std::move(daemon)), most_(most), thread_([this](const std::stop_token& ended) { Loop(ended); }) {}

void CallStops::Request(std::stop_source source) {
  {
    const std::lock_guard lock(mutex_);
    gone_.push_back(std::move(source));
  }
  wake_.notify_one();
}

bool CallStops::Run(std::function<void()> body) {
  if (running_->fetch_add(1) >= most_) {
    running_->fetch_sub(1);
    return false;
  }
  try {
    // The end of the last call may be the end of this object: the count lives on.
    std::thread([running = running_, run = std::move(body)]() mutable {
      run();
      run = nullptr;
      running->fetch_sub(1);
    }).detach();
    return true;
  } catch (const std::system_error&) {  // the system has no thread more
    running_->fetch_sub(1);
    return false;
  }
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
