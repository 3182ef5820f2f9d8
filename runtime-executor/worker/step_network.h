// Networks that a worker gives its steps, beside the host's and none.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"

namespace loam::worker {

// A network namespace that is joined to something; whoever holds it is its only user.
class StepNetwork {
 public:
  // Gives it back.
  virtual ~StepNetwork() = default;
  [[nodiscard]] virtual int namespace_fd() const = 0;
};

struct StepNetworkRequest {
  // What the network may call the step; "": nothing of its own.
  std::string hostname;
  // The step can change the network's set-up: nobody may have it afterwards.
  bool privileged = false;
};

// Thread-safe.
class StepNetworks {
 public:
  virtual ~StepNetworks() = default;
  // Blocks while one is made.
  virtual Result<std::unique_ptr<StepNetwork>> Take(const StepNetworkRequest& request, std::stop_token stop) = 0;
};

}  // namespace loam::worker
