#include "runtime-executor/registry/endpoint.h"

#include <algorithm>

#include "base/strings.h"

namespace loam::registry {
namespace {

// Docker Hub answers under another name than its references have.
std::string ServerOf(std::string_view host) {
  return std::string(host == "docker.io" || host == "index.docker.io" ? "registry-1.docker.io" : host);
}

void Add(std::vector<Endpoint>& out, const std::string& host, const std::string& server, const std::string& prefix,
         const ImageReference& reference, const HostConfig& config, bool insecure, bool mirror) {
  Endpoint endpoint;
  endpoint.host = host;
  endpoint.repository = prefix + reference.path;
  endpoint.mirrored_host = mirror ? reference.domain : "";
  endpoint.tls = {!insecure, config.ca_file, config.client_cert_file, config.client_key_file};
  endpoint.no_proxy = IsLoopbackHost(server);
  const auto add = [&](std::string_view scheme) {
    endpoint.repository_url = std::string(scheme) + "://" + server + "/v2/" + endpoint.repository;
    endpoint.origin = UrlOrigin(endpoint.repository_url);
    out.push_back(endpoint);
  };
  const bool plain = config.plain_http.value_or(IsLoopbackHost(server));
  if (insecure && !config.plain_http.has_value()) {
    add("https");
    add("http");
  } else {
    add(plain ? "http" : "https");
  }
}

}  // namespace

bool IsLoopbackHost(std::string_view host) {
  if (host.starts_with('[')) {
    return host.substr(0, host.find(']') + 1) == "[::1]";
  }
  host = host.substr(0, host.find(':'));
  if (host == "localhost" || host.ends_with(".localhost")) {
    return true;
  }
  const auto parts = Split(host, '.');
  return parts.size() == 4 && parts[0] == "127" && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           return !part.empty() && part.size() <= 3 &&
                  std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
         });
}

std::string Endpoint::Url(std::string_view path) const {
  std::string url = repository_url + std::string(path);
  if (!mirrored_host.empty()) {
    AddQuery(url, "ns", mirrored_host);
  }
  return url;
}

std::vector<Endpoint> EndpointsOf(const ImageReference& reference, const HostConfigs& configs, bool insecure,
                                  bool push) {
  std::vector<Endpoint> endpoints;
  const auto config_of = [&](const std::string& host) {
    const auto found = configs.find(host);
    return found == configs.end() ? HostConfig{} : found->second;
  };
  const HostConfig own = config_of(reference.domain);
  for (const std::string& mirror : own.mirrors) {
    if (push) {
      break;
    }
    std::string_view text = mirror;
    HostConfig config;
    if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
      config.plain_http = text.starts_with("http:");
      text.remove_prefix(scheme + 3);
    }
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string host(text.substr(0, slash));
    std::string prefix(text.substr(slash));
    while (prefix.ends_with('/')) {
      prefix.pop_back();
    }
    if (prefix.starts_with('/')) {
      prefix = prefix.substr(1) + "/";
    }
    const HostConfig known = config_of(host);
    const auto scheme = config.plain_http;
    config = known;
    if (scheme) {
      config.plain_http = scheme;
    }
    Add(endpoints, host, ServerOf(host), prefix, reference, config, config.insecure, true);
  }
  Add(endpoints, reference.domain, ServerOf(reference.domain), "", reference, own, own.insecure || insecure, false);
  return endpoints;
}

}  // namespace loam::registry
