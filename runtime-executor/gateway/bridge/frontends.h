// The frontends by their names: dockerfile.v0 in process, gateway.v0 in a container, and each may ask for the others.
#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "runtime-executor/gateway/bridge/bridge_build.h"

namespace loam::gateway {

struct FrontendsOptions {
  // All outlive the frontends.
  engine::Job* job = nullptr;
  session::ClientServices* client = nullptr;
  BridgeWorker worker;
  std::string session_id;
  // As those of BridgeBuildOptions.
  provenance::RequestRegistry* requests = nullptr;
  // For temporary files.
  std::string scratch_dir;
  bool dockerfile = true;
  bool gateway = true;
  std::stop_token stop;
};

// Thread-safe.
class Frontends {
 public:
  explicit Frontends(FrontendsOptions options) : options_(std::move(options)) {}
  Frontends(const Frontends&) = delete;
  Frontends& operator=(const Frontends&) = delete;

  // Blocks. kNotFound for a name that is none. `lazy`: the result may be left to be solved.
  Result<FrontendResult> Run(const FrontendRequestPtr& request, const std::map<std::string, std::string>& inputs,
                             bool lazy = false);
  // Of a bridge for a frontend that is not among these: the client's own build function, whose client asked for `root`.
  [[nodiscard]] BridgeBuildOptions BridgeOptions(std::map<std::string, std::string> inputs, FrontendRequestPtr root);

 private:
  Result<FrontendResult> RunDockerfile(const FrontendRequestPtr& request,
                                       const std::map<std::string, std::string>& inputs, bool lazy);
  Result<FrontendResult> RunImage(const FrontendRequestPtr& request, const std::map<std::string, std::string>& inputs,
                                  bool lazy);

  const FrontendsOptions options_;
};

}  // namespace loam::gateway
