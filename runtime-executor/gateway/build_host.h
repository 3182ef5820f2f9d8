// The compiler's BuildHost on a job of the engine in this process.
#pragma once

#include <memory>
#include <stop_token>

#include "compiler/sema/build_host.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/gateway/dockerfile_build.h"
#include "runtime-executor/session/client_services.h"

namespace loam::gateway {

// `job` and `client` outlive the host.
std::unique_ptr<sema::BuildHost> MakeBuildHost(engine::Job& job, session::ClientServices& client,
                                               const DockerfileBuildRequest& request, std::stop_token stop);

}  // namespace loam::gateway
