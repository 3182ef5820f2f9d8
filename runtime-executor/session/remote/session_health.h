// Notices clients that are connected but do not answer any more (a frozen machine, a dead link): asks for their health
// from time to time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

namespace grpc {
class Channel;
}

namespace loam::session {

struct SessionHealthOptions {
  std::chrono::milliseconds interval{5'000};
  // Long: a client may be busy sending. Grows with the time that the last answer took.
  std::chrono::milliseconds timeout{30'000};
  // Failures one after the other that make it dead.
  int failures = 2;
};

// What a client asks for itself ("X-Buildkit-Session-Health-Custom-Timeout", milliseconds; at least a second counts).
SessionHealthOptions HealthOptionsOf(std::chrono::milliseconds custom_timeout);

class SessionHealth {
 public:
  // `dead` is called once, from another thread, when the client is taken for dead.
  SessionHealth(std::shared_ptr<grpc::Channel> channel, SessionHealthOptions options, std::function<void()> dead);

 private:
  std::jthread thread_;
};

}  // namespace loam::session
