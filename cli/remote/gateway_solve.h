// A build on a remote engine whose compiler is this process: a Solve without a frontend, while the gateway API is
// spoken on the same channel until the result is returned.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/remote/engine_address.h"
#include "frontend/gateway_client.h"
#include "proto/api/services/control/control.pb.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/session/client/session_client.h"
#include "runtime-executor/solver/progress.h"

namespace loam::cli {

struct GatewaySolve {
  // Not null; they outlive the call.
  const EngineAddress* address = nullptr;
  const EngineTls* tls = nullptr;
  // Not null.
  std::shared_ptr<session::ClientServices> services;
  // Builds with equal keys share the engine's copies of directories.
  std::string build_key;
  // By the index of the request's exporters.
  std::vector<session::SessionOutput> outputs;
  // Exporters, caches and attributes; what names the build and the session is filled in.
  moby::buildkit::v1::SolveRequest request;
  ops::Entitlements entitlements;
  // Of the frontend; see GatewayClient.
  std::map<std::string, std::string> options;
  // Null: nobody watches.
  std::shared_ptr<solver::ProgressSink> progress;
};

// A name that nobody else has for something on the engine: small letters and digits.
std::string NewReference();

// Makes the result. `session_id` is that of the client.
using GatewayAnswer =
    std::function<Result<frontend::api::Result>(frontend::GatewayClient& client, const std::string& session_id)>;

// Blocks until the result is exported; gives the exporters' response. What `answer` fails with comes back as it is; if
// progress is watched, with the vertex that failed (solver::VertexErrorDetail).
Result<std::map<std::string, std::string>> SolveOverGateway(GatewaySolve solve, const GatewayAnswer& answer,
                                                            const std::stop_token& stop);

}  // namespace loam::cli
