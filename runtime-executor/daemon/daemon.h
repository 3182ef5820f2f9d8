// The daemon as a whole: engine, history, services, server.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "runtime-executor/daemon/collector.h"
#include "runtime-executor/daemon/config.h"
#include "runtime-executor/daemon/control_service.h"
#include "runtime-executor/daemon/history.h"
#include "runtime-executor/daemon/log.h"
#include "runtime-executor/daemon/server.h"
#include "runtime-executor/daemon/trace_exporter.h"
#include "runtime-executor/engine/engine.h"

namespace loam::daemon {

class Daemon {
 public:
  // `log` outlives the daemon. kFailedPrecondition if another daemon uses the state root.
  static Result<std::unique_ptr<Daemon>> Start(const Config& config, Log& log);
  // Refuses new builds; true when those that run have ended, false on `stop`, or after `patience` (0: unlimited).
  bool Drain(std::chrono::nanoseconds patience, std::stop_token stop);
  // Ends everything that runs, and waits for it.
  void Stop();
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

 private:
  Daemon() = default;
  // Destroyed from the last to the first.
  std::optional<FileLock> lock_;
  std::unique_ptr<ops::StepProxies> step_proxies_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<BuildHistory> history_;
  std::unique_ptr<TraceExporter> traces_;
  std::unique_ptr<grpc::Service> trace_service_;
  std::unique_ptr<Server> trace_server_;
  std::unique_ptr<Collector> collector_;
  std::unique_ptr<ControlServices> services_;
  std::unique_ptr<Server> server_;
};

}  // namespace loam::daemon
