// Definitions of single files of a client's directory, as BuildKit's frontend asks for the Dockerfile and
// .dockerignore.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "llb-emit/emit.h"

namespace loam::driver {

struct LocalFiles {
  std::string directory;  // "dockerfile", "context"
  std::vector<std::string> paths;
  std::string shared_key_hint;
  std::string step;  // "[internal] load build definition from Dockerfile"
  std::string session_id;
  // The solver knows that they need not be compared with what it has.
  bool differ_none = true;
};
Result<llb::Definition> LocalFilesDefinition(const LocalFiles& files);

// Those of a Dockerfile of this name: itself, its own ignore file, and the name in lower case if it is the default.
std::vector<std::string> DockerfilePaths(const std::string& name);

}  // namespace loam::driver
