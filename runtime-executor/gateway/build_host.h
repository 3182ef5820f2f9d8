// The compiler's BuildHost on a job of the engine in this process.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "compiler/sema/blocking.h"
#include "compiler/sema/build_host.h"
#include "llb-emit/emit.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/session/client_services.h"

namespace loam::gateway {

struct BuildHostOptions {
  // What other builds gave this one, by name: serialised pb.Definitions.
  std::map<std::string, std::string> inputs;
  // Sessions of the client's directories by their names, where they are not the build's own.
  std::map<std::string, std::string> local_sessions;
  sema::BlockingHooks blocking;
  // Called with each definition before it is solved.
  std::function<void(const ir::Graph& graph, const llb::Definition& definition)> on_definition;
  // Called with the name of each directory of the client that is opened.
  std::function<void(std::string_view name)> on_local;
  // The step that shows what is read of a client's directory now; may be null, and give null.
  std::function<solver::ProgressWriter*()> reading_step;
};

// `job` and `client` outlive the host. Thread-safe as far as the graph is: calls that name the same graph must be
// ordered by the caller (see BuildHostOptions).
std::unique_ptr<sema::BuildHost> MakeBuildHost(engine::Job& job, session::ClientServices& client, std::stop_token stop,
                                               BuildHostOptions options = {});

}  // namespace loam::gateway
