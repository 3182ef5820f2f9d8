// A build's entry in the history, from its request to its end.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <grpcpp/support/status.h>

#include "base/result.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/daemon/build_status.h"
#include "runtime-executor/daemon/build_trace.h"
#include "runtime-executor/daemon/history.h"
#include "runtime-executor/daemon/trace_exporter.h"

namespace loam::daemon {

// Status responses, each behind its length in four bytes, the lowest first: the logs of a build.
std::string EncodeStatus(BuildStatus& status);
// False if the bytes are damaged, or as soon as `see` says so.
bool DecodeStatus(std::string_view bytes, const std::function<bool(const StatusResponse&)>& see);

class BuildRecording {
 public:
  using Request = moby::buildkit::v1::SolveRequest;

  struct Parts {
    // Both outlive the recording.
    BuildHistory* history = nullptr;
    const content::ContentStore* content = nullptr;
    // May be null.
    TraceExporter* traces = nullptr;
    // Of the caller.
    std::optional<TraceContext> trace_parent;
  };
  // Tells the history that the build begins.
  BuildRecording(Parts parts, const Request& request);

  // An exporter is done; what it made is kept for the history. While the build's job lives.
  Result<> Exported(int index, const std::map<std::string, std::string>& response);

  // Everything is exported: SLSA v1 predicates by platform, "" for a result without platforms.
  Result<> Explained(const std::map<std::string, std::string>& provenance);

  // The end. `failure`: what the client is told.
  Result<> Finish(BuildStatus& status, const std::map<std::string, std::string>& response, const grpc::Status& failure);

 private:
  const Parts parts_;
  const WallTime started_;
  BuildHistory::Keep keep_;
  BuildHistory::Record record_;
};

}  // namespace loam::daemon
