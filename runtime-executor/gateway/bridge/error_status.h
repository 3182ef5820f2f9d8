// Errors as BuildKit's clients know them: a gRPC status with typed details (vertex, op and its filesystems, lines of
// the source, exit code), and such a status that a frontend returns as an error again.
#pragma once

#include <string>
#include <vector>

#include <grpcpp/support/status.h>

#include "base/error.h"
#include "base/result.h"
#include "proto/google/rpc/status.pb.h"
#include "proto/solver/errdefs/errdefs.pb.h"

namespace loam::gateway {

// The filesystems of a failed operation under the ids by which a frontend may use them.
class SolveDetail final : public ErrorDetail {
 public:
  SolveDetail(errdefs::Solve named, std::shared_ptr<const ErrorDetail> error_cause)
      : solve(std::move(named)), cause_(std::move(error_cause)) {}
  const errdefs::Solve solve;
  [[nodiscard]] const ErrorDetail* cause() const override { return cause_.get(); }

 private:
  const std::shared_ptr<const ErrorDetail> cause_;
};

// Which frontend failed.
class FrontendDetail final : public ErrorDetail {
 public:
  FrontendDetail(std::string frontend_name, std::string frontend_source, std::shared_ptr<const ErrorDetail> error_cause)
      : name(std::move(frontend_name)), source(std::move(frontend_source)), cause_(std::move(error_cause)) {}
  const std::string name;    // "gateway.v0"
  const std::string source;  // its image
  [[nodiscard]] const ErrorDetail* cause() const override { return cause_.get(); }

 private:
  const std::shared_ptr<const ErrorDetail> cause_;
};

// A capability that the frontend has not (`frontend.caps`), or a question that it does not answer.
class UnsupportedDetail final : public ErrorDetail {
 public:
  enum class Kind : std::uint8_t { kFrontendCap, kSubrequest };
  UnsupportedDetail(Kind what, std::string which) : kind(what), name(std::move(which)) {}
  const Kind kind;
  const std::string name;
};

// What came in a status, passed on as it is.
class ForeignDetails final : public ErrorDetail {
 public:
  explicit ForeignDetails(std::vector<loam::wkt::Any> received) : details(std::move(received)) {}
  const std::vector<loam::wkt::Any> details;
};

google::rpc::Status ToRpcStatus(const Error& error);
Error FromRpcStatus(const google::rpc::Status& status);

// Where a call stands, as a default argument of what is called (std::source_location is not for clang 14 to read).
struct CallPlace {
  const char* file;
  int line;
  const char* function;
};

// For a client: it also learns which process failed, and where that told it.
grpc::Status ToWireStatus(const Error& error,
                          CallPlace place = {__builtin_FILE(), __builtin_LINE(), __builtin_FUNCTION()});
inline grpc::Status ToWireStatus(const Result<>& result,
                                 CallPlace place = {__builtin_FILE(), __builtin_LINE(), __builtin_FUNCTION()}) {
  return result ? grpc::Status::OK : ToWireStatus(result.error(), place);
}

}  // namespace loam::gateway
