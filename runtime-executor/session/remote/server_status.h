// Errors of ours as the status of a gRPC call, with BuildKit's typed details where there are some.
#pragma once

#include <grpcpp/support/status.h>

#include "base/result.h"

namespace loam::session {

grpc::Status ToGrpcStatus(const Error& error);
inline grpc::Status ToGrpcStatus(const Result<>& result) {
  return result ? grpc::Status::OK : ToGrpcStatus(result.error());
}

}  // namespace loam::session
