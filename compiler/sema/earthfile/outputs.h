// Outputs: what a build leaves behind outside of the cache. They belong to WAIT scopes: those of an inner scope are
// performed at its END (EffectsHost::Perform), those of the outermost one are the evaluation's outcome.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace loam::sema::earthfile {

// One name of a SAVE IMAGE.
struct ImageOutput {
  std::string name;  // "app:latest", as written
  ir::Value fs;
  std::string config;       // OCI image config as JSON
  std::string platform_id;  // "linux/amd64"
  // The same name occurs for several platforms: pushed as one list, kept locally as `platform_name` each, and as `name`
  // for the platform of the host.
  bool multi_platform = false;
  std::string platform_name;  // "app:latest_linux_amd64"; empty if not multi_platform
  // Keep it in the local image store. Off where only a push was asked for.
  bool local = false;
  bool push = false;
  bool insecure = false;
  bool cache_hint = false;
  std::vector<std::string> cache_from;
  std::string target;  // "+build", "./lib+build": whose it is
  bool ignore_cache = false;
};

// One SAVE ARTIFACT … AS LOCAL.
struct ArtifactOutput {
  // Holds what is saved, owned by root, and nothing else.
  ir::Value fs;
  // Where it is in `fs`: a path without leading slash, whose last components may be wildcards (`*`, `?`, `[…]`); each
  // match is then written.
  std::string source;
  // Relative to the working directory of the invocation, or absolute. A trailing slash means inside of that directory.
  std::string destination;
  bool if_exists = false;
  std::string target;
  // How messages name it: "+build/out/app".
  std::string artifact;
};

struct Outputs {
  // In the order of the recipe; of equal ones only the first is here.
  std::vector<ImageOutput> images;
  std::vector<ArtifactOutput> artifacts;
  // Filesystems of the targets, to be built though nothing is saved of them.
  std::vector<ir::Value> states;

  [[nodiscard]] bool empty() const { return images.empty() && artifacts.empty() && states.empty(); }
};

}  // namespace loam::sema::earthfile
