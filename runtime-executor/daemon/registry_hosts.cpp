#include "runtime-executor/daemon/registry_hosts.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "base/file_system.h"

namespace loam::daemon {
namespace {

constexpr std::string_view kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

// What a directory of certificates adds; one that is not there adds nothing.
Result<> AddDirectory(const std::string& directory, RegistrySettings& settings) {
  const auto names = ListDir(directory);
  if (!names && (names.error().Is(ErrorCode::kNotFound) || names.error().Is(ErrorCode::kPermissionDenied))) {
    return {};
  }
  if (!names) {
    return tl::unexpected(names.error());
  }
  for (const std::string& name : *names) {
    const std::string path = directory + "/" + name;
    if (name.ends_with(".crt")) {
      settings.ca_files.push_back(path);
    } else if (name.ends_with(".cert")) {
      settings.key_pairs.push_back({path.substr(0, path.size() - std::string_view(".cert").size()) + ".key", path});
    }
  }
  return {};
}

Result<std::string> WriteBundle(const std::vector<std::string>& files, const std::string& directory,
                                const std::string& host) {
  std::string bundle = LOAM_TRY(ReadFileIfExists(std::string(kSystemAuthorities))).value_or("");
  for (const std::string& file : files) {
    bundle += LOAM_TRY_CONTEXT(fmt::format("registry {}", host), ReadFile(file));
    bundle += '\n';
  }
  LOAM_TRY(MakeDirs(directory, 0700));
  std::string path = fmt::format("{}/{}.pem", directory, Digest::Of(host).Hex().substr(0, 16));
  LOAM_TRY(WriteFileAtomic(path, bundle, 0600));
  return path;
}

}  // namespace

Result<registry::HostConfigs> MakeHostConfigs(const std::map<std::string, RegistrySettings>& registries,
                                              const std::string& bundle_directory, std::vector<std::string>& warnings) {
  registry::HostConfigs hosts;
  for (const auto& [host, given] : registries) {
    RegistrySettings settings = given;
    for (const std::string& directory : given.tls_directories) {
      LOAM_TRY(AddDirectory(directory, settings));
    }
    registry::HostConfig& config = hosts[host];
    config.mirrors = settings.mirrors;
    config.plain_http = settings.http;
    config.insecure = settings.insecure;
    if (!settings.ca_files.empty()) {
      config.ca_file = LOAM_TRY(WriteBundle(settings.ca_files, bundle_directory, host));
    }
    if (!settings.key_pairs.empty()) {
      config.client_cert_file = settings.key_pairs.front().certificate_file;
      config.client_key_file = settings.key_pairs.front().key_file;
    }
    if (settings.key_pairs.size() > 1) {
      warnings.push_back(
          fmt::format("registry {}: only the first of {} key pairs is used", host, settings.key_pairs.size()));
    }
  }
  return hosts;
}

}  // namespace loam::daemon
