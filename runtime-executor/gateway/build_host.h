// The compiler's BuildHost on a job of the engine in this process.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "compiler/sema/build_host.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/session/client_services.h"

namespace loam::gateway {

struct BuildHostOptions {
  // Called, on the asking thread, before and after everything that may block; whoever guards the graph by a lock gives
  // it away in between. The graph is not touched meanwhile.
  std::function<void()> before_blocking;
  std::function<void()> after_blocking;
};

// `job` and `client` outlive the host. Thread-safe as far as the graph is: calls that name the same graph must be
// ordered by the caller (see BuildHostOptions).
std::unique_ptr<sema::BuildHost> MakeBuildHost(engine::Job& job, session::ClientServices& client, std::stop_token stop,
                                               BuildHostOptions options = {});

}  // namespace loam::gateway
