// Proxies for steps: each step gets a network namespace with nothing in it but loopback and the proxy, which listens
// there and sends requests from the namespace of this process. What is encrypted is decrypted on the way.
#pragma once

#include <memory>

#include "runtime-executor/ops/step_proxy.h"

namespace loam::proxy {

Result<std::unique_ptr<ops::StepProxies>> MakeStepProxies();

}  // namespace loam::proxy
