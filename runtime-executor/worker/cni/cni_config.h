// Configurations of the Container Network Interface (CNI): a list of plugins that are called in turn.
// Source: the CNI specification 1.0, sections 1 and 3.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace loam::worker {

struct CniPlugin {
  // The name of its program.
  std::string type;
  // Its configuration as JSON, without what the caller adds.
  std::string config;
};

struct CniConfig {
  std::string version;
  std::string name;
  std::vector<CniPlugin> plugins;
};

// Of a list (with `plugins`) or a single plugin's configuration. `source` is for messages.
Result<CniConfig> ParseCniConfig(std::string_view text, std::string_view source);

// A bridge of the host's with this name, made when first needed, that reaches the outside by masquerading; steps get
// addresses of `subnet`. With `firewall`, also a plugin that lets only members of the bridge in.
CniConfig BridgeConfig(const std::string& bridge, const std::string& subnet, bool firewall);

// What a plugin reads on its standard input. `previous`: the result of the plugin before as JSON, "" if there is none.
std::string PluginInput(const CniConfig& config, const CniPlugin& plugin, const std::string& previous);

// Kept beside a network that was made, to take it down by, and read back.
std::string PrintCniConfig(const CniConfig& config);

}  // namespace loam::worker
