// How registry hosts are reached: mirrors, plain HTTP, certificates.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loam::registry {

struct HostConfig {
  // Tried in order before the host itself, for pulls only: "mirror.gcr.io", "localhost:5000/prefix".
  std::vector<std::string> mirrors;
  // nullopt: plain HTTP for loopback hosts, else HTTPS.
  std::optional<bool> plain_http;
  // Certificates are not verified; plain HTTP is tried where HTTPS is not spoken.
  bool insecure = false;
  std::string ca_file;
  std::string client_cert_file;
  std::string client_key_file;
};

// By host as in references ("docker.io", "localhost:5000").
using HostConfigs = std::map<std::string, HostConfig>;

// "localhost", 127.0.0.0/8 and [::1], with or without port; names below .localhost too.
bool IsLoopbackHost(std::string_view host);

}  // namespace loam::registry
