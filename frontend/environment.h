// What a BuildKit daemon tells a frontend by environment variables.
#pragma once

#include <map>
#include <string>

namespace loam::frontend {

struct Environment {
  // BUILDKIT_FRONTEND_OPT_<n> = "key=value"
  std::map<std::string, std::string> options;
  std::string session_id;
  // The first platform of the first worker: "linux/amd64"; "" if nothing is said.
  std::string build_platform;
};

// `environ`: "NAME=value", ended by null.
Environment ReadEnvironment(const char* const* environ);

}  // namespace loam::frontend
