// A gRPC channel over a pair of file descriptors: what a BuildKit daemon gives a frontend as standard input and output.
#pragma once

#include <memory>
#include <thread>

#include <grpcpp/channel.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace loam::frontend {

// gRPC wants one descriptor for both ways, so bytes are passed on through a socket pair by two threads, until the
// daemon closes its end or the object is destroyed.
class StdioChannel {
 public:
  // `in` and `out` stay the caller's and outlive the object.
  static Result<std::unique_ptr<StdioChannel>> Open(int in, int out);
  ~StdioChannel();
  StdioChannel(const StdioChannel&) = delete;
  StdioChannel& operator=(const StdioChannel&) = delete;

  [[nodiscard]] const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  StdioChannel() = default;

  UniqueFd inner_;  // our end of the pair
  UniqueFd wake_;   // an eventfd that ends the reader
  std::shared_ptr<grpc::Channel> channel_;
  std::thread reader_;
  std::thread writer_;
};

}  // namespace loam::frontend
