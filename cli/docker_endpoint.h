// Where the user's Docker daemon is, as the docker program finds it: DOCKER_HOST, else the context of DOCKER_CONTEXT or
// of config.json ($DOCKER_CONFIG, ~/.docker), else /var/run/docker.sock.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/command.h"

namespace loam::cli {

// "unix:///…", "tcp://host:port", "ssh://host". kNotFound for a context that does not exist, kUnimplemented for one
// that needs TLS.
Result<std::string> DockerEndpoint(const Context& context);

}  // namespace loam::cli
