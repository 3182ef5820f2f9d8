// What the daemon is told: BuildKit's configuration file (buildkitd.toml) and, over it, the flags of buildkitd.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/platform.h"
#include "base/result.h"
#include "runtime-executor/daemon/gc_policy.h"
#include "runtime-executor/daemon/log.h"
#include "runtime-executor/daemon/server.h"

namespace loam::daemon {

struct KeyPair {
  std::string key_file;
  std::string certificate_file;
};

struct RegistrySettings {
  std::vector<std::string> mirrors;
  std::optional<bool> http;
  bool insecure = false;
  // Beside the authorities of the system.
  std::vector<std::string> ca_files;
  std::vector<KeyPair> key_pairs;
  // Directories with *.crt (authorities) and *.cert with *.key (pairs).
  std::vector<std::string> tls_directories;
};

struct WorkerSettings {
  std::map<std::string, std::string> labels;
  // Empty: the host's.
  std::vector<Platform> platforms;
  // "overlayfs", "native", "auto"
  std::string snapshotter = "auto";
  // OCI runtime; empty: crun, else runc.
  std::string binary;
  // "auto" (cni if its configuration is there, else host), "host", "cni", "bridge"
  std::string network = "auto";
  std::string cni_config_path = "/etc/buildkit/cni.json";
  // Empty: where BuildKit and Debian put plugins.
  std::string cni_binary_path;
  int cni_pool_size = 0;
  // Of the network "bridge"; empty: the default.
  std::string bridge_name;
  std::string bridge_subnet;
  std::string cgroup_parent;
  // Steps at the same time; 0: no limit.
  int max_parallelism = 0;
  GcSettings gc;
};

struct DnsSettings {
  std::vector<std::string> nameservers;
  std::vector<std::string> options;
  std::vector<std::string> search_domains;
};

struct HistorySettings {
  // A finished build is forgotten when it is older than this *and* more than `max_entries` newer ones are there.
  std::chrono::nanoseconds max_age = std::chrono::hours(48);
  std::int64_t max_entries = 50;
};

struct FrontendSettings {
  bool dockerfile = true;
  bool gateway = true;
  // Frontend images may only come from these; empty: from everywhere.
  std::vector<std::string> gateway_repositories;
};

struct Config {
  std::string root;
  ServerOptions server;
  LogLevel log_level = LogLevel::kInfo;
  bool log_json = false;
  // "network.host", "security.insecure", "device"
  std::set<std::string> entitlements;
  std::string otel_socket;
  // Steps of all builds reach the network through a proxy.
  bool proxy_network = false;
  bool cdi_disabled = false;
  std::vector<std::string> cdi_spec_dirs;
  std::vector<std::string> cdi_auto_allowed;
  WorkerSettings worker;
  std::map<std::string, RegistrySettings> registries;
  std::optional<DnsSettings> dns;
  HistorySettings history;
  FrontendSettings frontends;
  // Where *.json files lie with what provenance is to say of this builder.
  std::string provenance_dir = "/etc/buildkit/provenance.d";
  // Transfers to or from one registry at the same time; 0: the default.
  int registry_concurrency = 0;
  // How long the first signal waits for running builds before they are cancelled; 0: until they have ended.
  std::chrono::nanoseconds stop_patience = std::chrono::minutes(15);
  // What was asked for and has no effect, for the log.
  std::vector<std::string> warnings;
};

// Puts what the file says into `config`. Unknown keys are warnings, as are settings that have no effect here; settings
// that cannot be honoured are kUnimplemented; `name` is for messages.
Result<> ReadConfig(std::string_view text, std::string_view name, Config& config);

struct Invocation {
  Config config;
  // To be printed instead of running: help or version.
  std::string text;
};

// `program`: the name it was called by, "loamd" or "buildkitd". kInvalidArgument for a flag that does not exist or a
// value that cannot be. Reads the configuration file.
Result<Invocation> ParseArguments(std::string_view program, const std::vector<std::string>& arguments);

// Settings that both, file and flags, have.
Result<> SetEntitlements(const std::vector<std::string>& names, Config& config);
Result<> SetSnapshotter(std::string_view name, Config& config);
Result<> SetNetwork(std::string_view mode, Config& config);
Result<> SetPlatforms(const std::vector<std::string>& names, Config& config);
Result<> SetLogFormat(std::string_view format, Config& config);

}  // namespace loam::daemon
