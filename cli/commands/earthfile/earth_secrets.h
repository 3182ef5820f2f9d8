// Secrets of an Earthfile build: --secret, --secret-file, a .secret file, AWS credentials, a provider command.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "runtime-executor/session/client_services.h"

namespace loam::cli {

struct EarthSecretSources {
  std::vector<std::string> secrets;                // NAME=VALUE, NAME (from the environment)
  std::vector<std::string> secret_files;           // NAME=FILE
  std::map<std::string, std::string> file_values;  // of a .secret file
  std::string file_name;                           // of that file, for messages
  // global.secret_provider: `sh -c "COMMAND NAME"`, with EARTHLY_ORG and EARTHLY_PROJECT of the Earthfile's PROJECT in
  // its environment; exit code 2 is "not found".
  std::string provider;
  std::string home;
};

// Mistakes: no such file or variable, a name that comes from two sources.
Result<std::shared_ptr<session::SecretStore>> MakeEarthSecrets(const Context& context,
                                                               const EarthSecretSources& sources);

}  // namespace loam::cli
