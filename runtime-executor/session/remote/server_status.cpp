#include "runtime-executor/session/remote/server_status.h"

namespace loam::session {

grpc::Status ToGrpcStatus(const Error& error) {
  std::string message = error.message();
  if (!error.hint().empty()) {
    message += "\n" + error.hint();
  }
  return grpc::Status(static_cast<grpc::StatusCode>(error.code()), message);
}

}  // namespace loam::session
