// Endpoints: the URLs under which a repository can be reached, in the order in which they are tried.
#pragma once

#include <string>
#include <vector>

#include "base/image_reference.h"
#include "runtime-executor/registry/host_config.h"
#include "runtime-executor/registry/http_client.h"

namespace loam::registry {

struct Endpoint {
  // "https://registry-1.docker.io/v2/library/alpine", without '/' at the end.
  std::string repository_url;
  std::string origin;  // "https://registry-1.docker.io:443"
  // Whose credentials are used: the host as in references, or the mirror's.
  std::string host;
  // "library/alpine", with the prefix of a mirror; for token scopes.
  std::string repository;
  // The registry that a mirror stands for (query parameter `ns`); empty: not a mirror.
  std::string mirrored_host;
  TlsOptions tls;
  bool no_proxy = false;

  // repository_url + path, with `ns` for mirrors. `path` begins with '/'.
  [[nodiscard]] std::string Url(std::string_view path) const;
};

// Mirrors first (not for pushes). An insecure host without a known scheme gives two: HTTPS, then plain HTTP.
std::vector<Endpoint> EndpointsOf(const ImageReference& reference, const HostConfigs& configs, bool insecure,
                                  bool push);

}  // namespace loam::registry
