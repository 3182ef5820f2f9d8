// JobServices: what the engine's job lends to the ops that run for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/digest.h"
#include "base/result.h"
#include "runtime-executor/cdi/devices.h"
#include "runtime-executor/ops/step_proxy.h"
#include "runtime-executor/ops/terminal_lender.h"
#include "runtime-executor/session/client_services.h"
#include "runtime-executor/snapshot/fs_ref.h"
#include "runtime-executor/solver/op.h"

namespace pb {
class Definition;
class Op;
}  // namespace pb

namespace loam::ops {

// What the client allows beyond the ordinary (`--allow`).
struct Entitlements {
  bool network_host = false;
  bool security_insecure = false;
  // nullopt: none but those that every build may have.
  std::optional<cdi::DeviceGrants> devices;
};

// What the processes of one step used.
struct StepUsage {
  std::chrono::microseconds cpu{};
  // 0 if nobody tells.
  std::int64_t peak_memory_bytes = 0;
};

class JobServices : public solver::JobContext {
 public:
  // The client's secrets, SSH agents, directories and credentials. Thread-safe.
  [[nodiscard]] virtual session::ClientServices& client() = 0;
  [[nodiscard]] virtual const Entitlements& entitlements() const = 0;
  // The client's terminal, if this vertex is to run on it; else null.
  [[nodiscard]] virtual std::shared_ptr<TerminalLender> terminal(const Digest& /*vertex*/) { return nullptr; }
  // Null: steps use the network that they ask for.
  [[nodiscard]] virtual StepProxies* proxies() { return nullptr; }
  // As the build's policy wants a source; true: `source` was changed. An error: it may not be used.
  [[nodiscard]] virtual Result<bool> ApplyPolicy(pb::Op& /*source*/, std::stop_token /*stop*/) { return false; }
  // A process of the vertex has ended. Called from any thread.
  virtual void OnUsage(const Digest& /*vertex*/, const std::string& /*name*/, const StepUsage& /*usage*/) {}
  // Solves another definition within the job, for build ops; blocks.
  [[nodiscard]] virtual Result<snapshot::FsRef> Solve(const pb::Definition& definition, std::stop_token stop) = 0;
};

// The services of a job that currently needs this op; keep the pointer as long as the services are used.
inline std::shared_ptr<JobServices> ServicesOf(const solver::OpContext& context) {
  return std::static_pointer_cast<JobServices>(context.job());
}

}  // namespace loam::ops
