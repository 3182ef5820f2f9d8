// Stop tokens of calls: they stop when the client goes away or the daemon stops. The synchronous API of gRPC has no
// callback for a client that went away; one thread looks after all calls.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <stop_token>
#include <thread>

#include <grpcpp/server_context.h>

namespace loam::daemon {

// Outlives its calls. Thread-safe.
class CallWatcher {
 public:
  explicit CallWatcher(std::stop_token daemon);
  ~CallWatcher();
  CallWatcher(const CallWatcher&) = delete;
  CallWatcher& operator=(const CallWatcher&) = delete;

 private:
  friend class CallStop;
  struct Call {
    grpc::ServerContext* context;
    std::stop_source source;
  };
  void Loop(const std::stop_token& ended);

  std::mutex mutex_;  // guards calls_
  std::condition_variable_any wake_;
  std::list<Call> calls_;
  const std::stop_token daemon_;
  std::jthread thread_;
};

// While it lives the call is watched.
class CallStop {
 public:
  CallStop(CallWatcher& watcher, grpc::ServerContext& context);
  ~CallStop();
  CallStop(const CallStop&) = delete;
  CallStop& operator=(const CallStop&) = delete;
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  CallWatcher& watcher_;
  std::stop_source source_;
  std::list<CallWatcher::Call>::iterator call_;
  std::stop_callback<std::function<void()>> on_daemon_stop_;
};

}  // namespace loam::daemon
