// Calls whose handlers block on a thread of their own, and hear at once that the client went away or the daemon stops:
// gRPC's synchronous API has no notification of that, its callbacks have.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include <grpcpp/support/server_callback.h>

namespace loam::daemon {

// Calls at the same time; each has a thread.
inline constexpr int kMaxBlockingCalls = 10'000;

// Requests stops on a thread of its own: what a stop sets off may take a while, and gRPC's threads have other calls to
// look after. Counts the calls, and gives each its thread. Thread-safe; outlives its calls.
class CallStops {
 public:
  explicit CallStops(std::stop_token daemon, int most = kMaxBlockingCalls);
  CallStops(const CallStops&) = delete;
  CallStops& operator=(const CallStops&) = delete;

  void Request(std::stop_source source);
  // Runs `body` on a thread of its own; false if there are too many already, or none can be had.
  [[nodiscard]] bool Run(std::function<void()> body);
  [[nodiscard]] const std::stop_token& daemon() const { return daemon_; }

 private:
  void Loop(const std::stop_token& ended);

  const std::stop_token daemon_;
  const int most_;
  const std::shared_ptr<std::atomic<int>> running_ = std::make_shared<std::atomic<int>>(0);
  std::mutex mutex_;  // guards gone_
  std::condition_variable_any wake_;
  std::vector<std::stop_source> gone_;
  std::jthread thread_;
};

// The answer to a call that got no thread.
inline grpc::Status TooManyCalls() {
  return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls at the same time"};
}

// The stop of one call.
class CallStop {
 public:
  explicit CallStop(CallStops& stops)
      : stops_(stops), on_daemon_stop_(stops.daemon(), [source = source_]() mutable { source.request_stop(); }) {}
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  void ClientLeft() { stops_.Request(source_); }

 private:
  CallStops& stops_;
  std::stop_source source_;
  std::stop_callback<std::function<void()>> on_daemon_stop_;
};

// One request, one answer. Deletes itself when gRPC is done with it.
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  using Body = std::function<grpc::Status(std::stop_token)>;
  UnaryCall(CallStops& stops, Body body) : stop_(stops) {
    const bool started = stops.Run([this, run = std::move(body)]() mutable {
      const grpc::Status status = run(stop_.token());
      run = nullptr;
      Finish(status);  // from here on, `this` may be gone
    });
    if (!started) {
      Finish(TooManyCalls());
    }
  }
  void OnCancel() override { stop_.ClientLeft(); }
  void OnDone() override { delete this; }

 private:
  CallStop stop_;
};

// One request, a stream of answers, each written before the next.
template <class Message>
class StreamCall final : public grpc::ServerWriteReactor<Message> {
 public:
  using Body = std::function<grpc::Status(StreamCall&, std::stop_token)>;
  StreamCall(CallStops& stops, Body body) : stop_(stops) {
    const bool started = stops.Run([this, run = std::move(body)]() mutable {
      const grpc::Status status = run(*this, stop_.token());
      run = nullptr;
      this->Finish(status);  // from here on, `this` may be gone
    });
    if (!started) {
      this->Finish(TooManyCalls());
    }
  }

  // Blocks. False: the client is gone.
  bool Write(const Message& message) {
    std::unique_lock lock(mutex_);
    written_ = false;
    lock.unlock();
    this->StartWrite(&message);
    lock.lock();
    changed_.wait(lock, [this] { return written_; });
    return taken_;
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    taken_ = ok;
    written_ = true;
    changed_.notify_all();
  }
  void OnCancel() override { stop_.ClientLeft(); }
  void OnDone() override { delete this; }

 private:
  CallStop stop_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  bool written_ = false;
  bool taken_ = false;
};

}  // namespace loam::daemon
