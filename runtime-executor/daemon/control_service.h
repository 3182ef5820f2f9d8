// BuildKit's Control service on an engine.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <grpcpp/impl/codegen/service_type.h>

#include "base/platform.h"
#include "runtime-executor/engine/engine.h"

namespace loam::daemon {

struct ControlOptions {
  // Outlives the services.
  engine::Engine* engine = nullptr;
  std::set<std::string> allowed_entitlements;
  std::string worker_id;
  std::map<std::string, std::string> worker_labels;
  std::vector<Platform> platforms;
};

// The gRPC services that belong together: Control, and the bridge of its builds.
class ControlServices {
 public:
  explicit ControlServices(ControlOptions options);
  ~ControlServices();
  ControlServices(const ControlServices&) = delete;
  ControlServices& operator=(const ControlServices&) = delete;

  [[nodiscard]] std::vector<grpc::Service*> services();
  // Running builds and sessions end; new ones are refused.
  void Stop();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace loam::daemon
