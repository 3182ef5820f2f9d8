// The daemon as a whole: options, engine, services, server.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/daemon/control_service.h"
#include "runtime-executor/daemon/server.h"
#include "runtime-executor/engine/engine.h"

namespace loam::daemon {

struct DaemonOptions {
  engine::EngineOptions engine;
  ServerOptions server;
  std::set<std::string> allowed_entitlements;
  std::map<std::string, std::string> worker_labels;
  bool debug = false;
  // To be printed instead of running: help or version.
  std::string text;
};

// buildkitd's flags. kInvalidArgument for a flag that does not exist or a value that cannot be.
Result<DaemonOptions> ParseArguments(const std::vector<std::string>& arguments);

class Daemon {
 public:
  static Result<std::unique_ptr<Daemon>> Start(const DaemonOptions& options);
  void Stop();

 private:
  Daemon() = default;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<ControlServices> services_;
  std::unique_ptr<Server> server_;
};

}  // namespace loam::daemon
