#include "runtime-executor/daemon/call_stop.h"

namespace loam::daemon {
namespace {

constexpr std::chrono::milliseconds kInterval{20};

}  // namespace

CallWatcher::CallWatcher(std::stop_token daemon)
    : daemon_(std::move(daemon)), thread_([this](const std::stop_token& ended) { Loop(ended); }) {}

CallWatcher::~CallWatcher() = default;

void CallWatcher::Loop(const std::stop_token& ended) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, ended, [this] { return !calls_.empty(); })) {
    std::vector<std::stop_source> gone;
    for (Call& call : calls_) {
      if (!call.source.stop_requested() && call.context->IsCancelled()) {
        gone.push_back(call.source);
      }
    }
    // What a stop sets off does not belong under the lock.
    lock.unlock();
    for (std::stop_source& source : gone) {
      source.request_stop();
    }
    lock.lock();
    wake_.wait_for(lock, ended, kInterval, [] { return false; });
  }
}

CallStop::CallStop(CallWatcher& watcher, grpc::ServerContext& context)
    : watcher_(watcher), on_daemon_stop_(watcher.daemon_, [source = source_]() mutable { source.request_stop(); }) {
  {
    const std::lock_guard lock(watcher_.mutex_);
    call_ = watcher_.calls_.insert(watcher_.calls_.end(), {&context, source_});
  }
  watcher_.wake_.notify_one();
}

CallStop::~CallStop() {
  const std::lock_guard lock(watcher_.mutex_);
  watcher_.calls_.erase(call_);
}

}  // namespace loam::daemon
