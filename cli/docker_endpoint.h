// Where the user's Docker daemon is, as the docker program finds it: DOCKER_HOST, else the context of DOCKER_CONTEXT or
// of config.json ($DOCKER_CONFIG, ~/.docker), else /var/run/docker.sock.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/command.h"

namespace loam::cli {

// "unix:///…", "tcp://host:port", "ssh://host"; where certificates are needed "docker-context://NAME" ("" is what the
// environment says). kNotFound for a context that does not exist.
Result<std::string> DockerEndpoint(const Context& context);

}  // namespace loam::cli
