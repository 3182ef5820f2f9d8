// Handing an image archive to a Docker daemon.
#pragma once

#include <stop_token>
#include <string>

#include "base/result.h"

namespace loam::cli {

// `archive`: a file as `docker save` writes it; `host`: of the daemon.
Result<> LoadDockerArchive(const std::string& host, const std::string& archive, const std::stop_token& stop);

}  // namespace loam::cli
