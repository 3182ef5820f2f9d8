// Proxies of steps: a step whose build has a proxy network reaches nothing but an HTTP proxy of its own, which asks
// about every request and remembers all of them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/result.h"

namespace loam::ops {

struct ProxiedRequest {
  std::string method;
  std::string url;
  // Where the answer leads; empty: nowhere else.
  std::string redirect;
  int status = 0;
};

struct ProxiedFile {
  std::string url;
  Digest digest;
};

// A request whose answer cannot be told by a digest.
struct IncompleteRequest {
  std::string method;
  std::string url;
  std::string reason;
};

struct ProxyTraffic {
  std::vector<ProxiedRequest> requests;
  std::vector<ProxiedFile> files;
  std::vector<IncompleteRequest> incomplete;
};

// The URL to ask in place of `url`; nullopt: that one. An error: the request may not be made.
using CheckProxied =
    std::function<Result<std::optional<std::string>>(const std::string& method, const std::string& url)>;

class StepProxy {
 public:
  // Ends it.
  virtual ~StepProxy() = default;
  // For the step; valid as long as the proxy lives.
  [[nodiscard]] virtual int network_namespace() const = 0;
  // "http://127.0.0.1:1234", as the step sees it.
  [[nodiscard]] virtual const std::string& url() const = 0;
  // PEM: the authority that vouches for every host in the proxy's name.
  [[nodiscard]] virtual const std::string& authority() const = 0;
  // Ends all connections; what went through them.
  virtual ProxyTraffic Stop() = 0;
};

// Thread-safe.
class StepProxies {
 public:
  virtual ~StepProxies() = default;
  virtual Result<std::unique_ptr<StepProxy>> Start(CheckProxied check) = 0;
};

}  // namespace loam::ops
