// StatusFeed: a remote build's progress as the events that displays take.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "base/digest.h"
#include "runtime-executor/solver/progress.h"

namespace loam::cli {

class StatusFeed {
 public:
  // Follows the build from now on.
  StatusFeed(const std::shared_ptr<grpc::Channel>& channel, std::string build,
             std::shared_ptr<solver::ProgressSink> progress);
  ~StatusFeed();
  StatusFeed(const StatusFeed&) = delete;
  StatusFeed& operator=(const StatusFeed&) = delete;

  // Waits until the engine has told everything; it ends the stream with the build.
  void Finish();

  struct Failure {
    Digest vertex;
    std::string name;
  };
  // The first vertex that failed by itself. After Finish.
  [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }

 private:
  void Follow();

  const std::shared_ptr<grpc::Channel> channel_;
  const std::string build_;
  const std::shared_ptr<solver::ProgressSink> progress_;
  grpc::ClientContext context_;
  std::optional<Failure> failure_;
  std::jthread thread_;
};

}  // namespace loam::cli
