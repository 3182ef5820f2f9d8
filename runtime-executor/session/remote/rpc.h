// gRPC and our own terms: status and Error have the same codes.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include "base/result.h"

namespace loam::session {

// BuildKit's limit for a message, in both directions: of its Control API, bridge and sessions.
inline constexpr int kMaxMessageBytes = 16 << 20;

// `doing`: "secret npmrc", put before the message.
Error FromGrpcStatus(const grpc::Status& status, std::string_view doing);
// Ok if there is no error.
Result<> CheckGrpcStatus(const grpc::Status& status, std::string_view doing);

// The context of one call, cancelled by a stop token.
class CallContext {
 public:
  explicit CallContext(std::stop_token stop) : on_stop_(std::move(stop), Canceller{&context_}) {}
  CallContext(const CallContext&) = delete;
  CallContext& operator=(const CallContext&) = delete;
  [[nodiscard]] grpc::ClientContext& operator*() { return context_; }
  [[nodiscard]] grpc::ClientContext* operator->() { return &context_; }
  [[nodiscard]] grpc::ClientContext* get() { return &context_; }

 private:
  struct Canceller {
    grpc::ClientContext* context;
    void operator()() const { context->TryCancel(); }
  };
  grpc::ClientContext context_;
  std::stop_callback<Canceller> on_stop_;
};

// Whether it may be a header's value as it is.
bool IsAscii(std::string_view text);

// Repeated metadata values as BuildKit encodes them: percent-encoded if any is not ASCII, then `key-encoded` is "1".
void AddMetadata(grpc::ClientContext& context, const std::string& key, const std::vector<std::string>& values);

}  // namespace loam::session
