// The client of an Earthfile build: local directories by name, among them those that come up while it is evaluated.
#pragma once

#include <memory>
#include <string>

#include "runtime-executor/session/client_services.h"

namespace loam::gateway::earthfile {

// Names are directories, with or without the evaluation's prefix of local sources: absolute, or relative to the
// directory of the invocation. Only for builds whose client is this process: it opens what it is asked for.
// Thread-safe.
class ProjectDirs final : public session::LocalDirs {
 public:
  // `directory`: absolute, of the invocation.
  explicit ProjectDirs(std::string directory) : directory_(std::move(directory)) {}

  Result<session::LocalDir> Open(const session::LocalDirRequest& request, std::stop_token stop) override;

 private:
  const std::string directory_;
};

// `base` with other local directories and, unless null, other secrets.
std::shared_ptr<session::ClientServices> EarthfileClient(std::shared_ptr<session::ClientServices> base,
                                                         std::shared_ptr<session::LocalDirs> dirs,
                                                         std::shared_ptr<session::SecretStore> secrets = nullptr);

}  // namespace loam::gateway::earthfile
