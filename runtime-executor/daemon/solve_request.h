// One build asked of the daemon, from its request to what its exporters say; the Control service's Solve.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "runtime-executor/daemon/build_status.h"
#include "runtime-executor/daemon/config.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/gateway/bridge/bridge_build.h"
#include "runtime-executor/session/remote/session_manager.h"

namespace moby::buildkit::v1 {
class SolveRequest;
}

namespace loam::daemon {

// The builds that run with a client's own build function, by ref: the bridge finds them here. Thread-safe.
class BridgeBuilds {
 public:
  void Add(const std::string& ref, std::shared_ptr<gateway::BridgeBuild> build);
  void Remove(const std::string& ref);
  // A client may call the bridge before its Solve has arrived.
  Result<std::shared_ptr<gateway::BridgeBuild>> Find(const std::string& ref);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, std::shared_ptr<gateway::BridgeBuild>> builds_;
};

struct SolveServices {
  // All outlive the solve.
  engine::Engine* engine = nullptr;
  session::SessionManager* sessions = nullptr;
  BridgeBuilds* bridge_builds = nullptr;
  // What clients may ask for, by BuildKit's names: "network.host", "security.insecure".
  std::set<std::string> allowed_entitlements;
  ops::StepProxies* step_proxies = nullptr;
  // Steps of all builds use them, not only of those that ask for it.
  bool proxy_network = false;
  FrontendSettings frontends;
  gateway::BridgeWorker worker;
  provenance::RequestRegistry* requests = nullptr;
};

// What the build history hears of. Called while the build's job lives; each may be null.
struct SolveEvents {
  // An exporter is done: its number in the request, and its response.
  std::function<Result<>(int index, const std::map<std::string, std::string>& response)> exported;
  // All is exported; not called for a build that exports nothing. `provenance`: a predicate (SLSA v1) for each
  // platform; "" names the only result of a build without platforms.
  std::function<Result<>(const std::map<std::string, std::string>& provenance)> done;
};

// Blocks. The exporters' response members ("containerimage.digest").
Result<std::map<std::string, std::string>> RunSolve(const SolveServices& services,
                                                    const moby::buildkit::v1::SolveRequest& request,
                                                    std::shared_ptr<BuildStatus> status, const SolveEvents& events,
                                                    std::stop_token stop);

}  // namespace loam::daemon
