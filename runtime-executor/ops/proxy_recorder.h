// What steps asked for through their proxies, for whoever tells it later.
#pragma once

#include "base/digest.h"
#include "runtime-executor/ops/step_proxy.h"

namespace loam::ops {

// JobServices that want to know are one of these as well. Thread-safe.
class ProxyRecorder {
 public:
  virtual ~ProxyRecorder() = default;
  // A process of the vertex has ended.
  virtual void OnProxied(const Digest& vertex, ProxyTraffic traffic) = 0;
};

}  // namespace loam::ops
