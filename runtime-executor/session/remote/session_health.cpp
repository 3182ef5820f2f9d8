#include "runtime-executor/session/remote/session_health.h"

#include <algorithm>

#include <grpcpp/grpcpp.h>

#include "base/stoppable_sleep.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "runtime-executor/session/remote/rpc.h"

namespace loam::session {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLeastCustom{1'000};

void Watch(const std::shared_ptr<grpc::Channel>& channel, const SessionHealthOptions& options,
           const std::function<void()>& dead, const std::stop_token& ended) {
  const auto stub = grpc::health::v1::Health::NewStub(channel);
  std::chrono::milliseconds last{0};
  int failures = 0;
  while (SleepUnlessStopped(options.interval, ended)) {
    const auto begin = Steady::now();
    CallContext context(ended);
    context->set_deadline(std::chrono::system_clock::now() + std::max(options.timeout, last * 3 / 2));
    grpc::health::v1::HealthCheckResponse response;
    const grpc::Status status = stub->Check(context.get(), {}, &response);
    last = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - begin);
    failures = status.ok() ? 0 : failures + 1;
    if (ended.stop_requested()) {
      return;
    }
    if (failures >= options.failures) {
      dead();
      return;
    }
  }
}

}  // namespace

SessionHealthOptions HealthOptionsOf(std::chrono::milliseconds custom_timeout) {
  SessionHealthOptions options;
  if (custom_timeout.count() > 0) {
    options.timeout = std::max(custom_timeout, kLeastCustom);
    options.interval = options.timeout;
    options.failures = 1;
  }
  return options;
}

SessionHealth::SessionHealth(std::shared_ptr<grpc::Channel> channel, SessionHealthOptions options,
                             std::function<void()> dead)
    : thread_([channel = std::move(channel), options, dead = std::move(dead)](const std::stop_token& ended) {
        Watch(channel, options, dead, ended);
      }) {}

}  // namespace loam::session
