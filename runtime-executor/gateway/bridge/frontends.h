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

  // Blocks. kNotFound for a name that is none.
  Result<FrontendResult> Run(const std::string& frontend, const std::map<std::string, std::string>& options,
                             const std::map<std::string, std::string>& inputs);
  // Of a bridge for a frontend that is not among these: the client's own build function.
  [[nodiscard]] BridgeBuildOptions BridgeOptions(std::map<std::string, std::string> inputs);

 private:
  Result<FrontendResult> RunDockerfile(const std::map<std::string, std::string>& options,
                                       const std::map<std::string, std::string>& inputs);
  Result<FrontendResult> RunImage(const std::map<std::string, std::string>& options,
                                  const std::map<std::string, std::string>& inputs);

  const FrontendsOptions options_;
};

}  // namespace loam::gateway
