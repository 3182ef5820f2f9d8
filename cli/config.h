// The configuration file: $LOAM_CONFIG, else $XDG_CONFIG_HOME/loam/config.toml (~/.config), else /etc/loam/config.toml.
//
//   root = "/var/lib/loam"
//   runtime = "crun"
//   snapshotter = "overlay"
//
//   [registry."docker.io"]            # the names and meanings of buildkitd.toml
//   mirrors = ["mirror.example.org"]
//   http = false
//   insecure = false
//   ca = ["/etc/ssl/mirror.pem"]
//   keypair = [{key = "/etc/ssl/key.pem", cert = "/etc/ssl/cert.pem"}]
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime-executor/registry/host_config.h"

namespace loam::cli {

struct Config {
  std::string root;
  std::string runtime;
  std::string snapshotter;
  registry::HostConfigs registries;
};

// kInvalidArgument names the place and what is wrong; unknown keys are mistakes. `name` is for messages.
Result<Config> ParseConfig(std::string_view text, std::string_view name);

// The first of the places above that exists; an empty Config if none does. $LOAM_CONFIG must exist.
Result<Config> LoadConfig();

}  // namespace loam::cli
