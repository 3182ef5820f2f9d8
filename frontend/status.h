// Errors of ours as a google.rpc.Status and back, with BuildKit's typed details.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <grpcpp/support/status.h>

#include "base/result.h"

namespace google::rpc {
class Status;
}

namespace loam::frontend {

// Details of a status that came from the daemon, handed back unchanged.
struct StatusDetail final : ErrorDetail {
  std::vector<std::pair<std::string, std::string>> details;  // type URL and bytes
};

// What was being built.
struct SolvedDetail final : ErrorDetail {
  std::string definition;  // serialised pb.Definition
  std::shared_ptr<const ErrorDetail> inner;
  [[nodiscard]] const ErrorDetail* cause() const override { return inner.get(); }
};
Error WithDefinition(Error error, std::string_view definition);

// Where in the build file a mistake is.
struct SourceDetail final : ErrorDetail {
  std::string filename;
  std::string language;
  std::string text;
  // Serialised pb.Definition that the file was read from.
  std::string definition;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> lines;  // first and last, counted from 1
  std::shared_ptr<const ErrorDetail> inner;
  [[nodiscard]] const ErrorDetail* cause() const override { return inner.get(); }
};

// `status` is not OK. A file that is not there is kNotFound whatever code it came with.
Error FromGrpcStatus(const grpc::Status& status);
void SetStatus(const Error& error, google::rpc::Status& status);

}  // namespace loam::frontend
