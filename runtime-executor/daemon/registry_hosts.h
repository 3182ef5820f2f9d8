// Registry settings as the registry client takes them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/daemon/config.h"
#include "runtime-executor/registry/host_config.h"

namespace loam::daemon {

// Authorities of a host are put into one file below `bundle_directory`, beside those of the system. Files that cannot
// be read are errors. `warnings` gets what cannot be done.
Result<registry::HostConfigs> MakeHostConfigs(const std::map<std::string, RegistrySettings>& registries,
                                              const std::string& bundle_directory, std::vector<std::string>& warnings);

}  // namespace loam::daemon
