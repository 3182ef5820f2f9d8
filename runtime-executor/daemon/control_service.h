// BuildKit's Control service on an engine.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include <grpcpp/impl/codegen/service_type.h>

#include "base/platform.h"
#include "runtime-executor/daemon/collector.h"
#include "runtime-executor/daemon/config.h"
#include "runtime-executor/daemon/history.h"
#include "runtime-executor/daemon/trace_exporter.h"
#include "runtime-executor/engine/engine.h"

namespace loam::daemon {

struct ControlOptions {
  // All outlive the services.
  engine::Engine* engine = nullptr;
  BuildHistory* history = nullptr;
  Collector* collector = nullptr;
  Log* log = nullptr;
  // Null: traces go nowhere but into the history.
  TraceExporter* traces = nullptr;
  std::set<std::string> allowed_entitlements;
  // Outlive the engine.
  ops::StepProxies* step_proxies = nullptr;
  // Steps of all builds use them, not only of those that ask for it.
  bool proxy_network = false;
  FrontendSettings frontends;
  std::string worker_id;
  std::map<std::string, std::string> worker_labels;
  std::vector<Platform> platforms;
  std::vector<GcRule> gc_policy;
};

// The gRPC services that belong together: Control, the bridge of its builds, the content of its history, and
// the traces of its clients.
class ControlServices {
 public:
  explicit ControlServices(ControlOptions options);
  ~ControlServices();
  ControlServices(const ControlServices&) = delete;
  ControlServices& operator=(const ControlServices&) = delete;

  [[nodiscard]] std::vector<grpc::Service*> services();
  // New builds are refused from here on; true when the running ones have ended, false on `stop`, or after `patience`
  // (0: unlimited).
  bool Drain(std::chrono::nanoseconds patience, std::stop_token stop);
  // Running builds and sessions end; new ones are refused. Returns when no build runs any more.
  void Stop();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace loam::daemon
