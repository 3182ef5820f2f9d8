// A gRPC channel to a remote engine; all its calls say which build they belong to.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <grpcpp/channel.h>

#include "base/process.h"
#include "base/result.h"
#include "cli/remote/engine_address.h"

namespace loam::cli {

class RemoteChannel {
 public:
  // `build`: the build's reference, "" for none. kUnavailable if nobody answers within the time that a start takes.
  static Result<RemoteChannel> Open(const EngineAddress& address, const EngineTls& tls, const std::string& build);

  [[nodiscard]] const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  RemoteChannel() = default;
  std::optional<Process> program_;  // outlives the channel
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace loam::cli
