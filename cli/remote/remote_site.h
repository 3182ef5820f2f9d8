// BuildSite on a remote engine, during a Solve whose compiler is this process (gateway_solve.h). What is handed out
// comes by further Solves, each with an exporter, of what the engine has built.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/remote/gateway_solve.h"
#include "runtime-executor/gateway/earthfile/build_site.h"

namespace loam::cli {

struct RemoteSiteOptions {
  // How the Solves are made: engine, services, key, entitlements. Exporters and outputs are filled in.
  GatewaySolve solve;
  // Keeps an image archive on this machine under a name.
  std::function<Result<>(const std::string& archive, const std::string& name)> keep_image;
  std::shared_ptr<solver::ProgressSink> progress;
  std::string session_id;
  std::stop_token stop;
};

// `client` outlives it.
std::unique_ptr<gateway::earthfile::BuildSite> MakeRemoteSite(frontend::GatewayClient& client,
                                                              RemoteSiteOptions options);

}  // namespace loam::cli
