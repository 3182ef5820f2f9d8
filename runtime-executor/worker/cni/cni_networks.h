// Networks for steps, made by CNI plugins. Each is a namespace that is mounted at a file of `state_dir`, so that what a
// killed process made can be taken down by the next one. Making one takes some ten milliseconds, so some are kept.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/worker/step_network.h"

namespace loam::worker {

struct CniOptions {
  // Private directory.
  std::string state_dir;
  // A file with a list of plugins or one plugin's configuration. Empty: the built-in bridge.
  std::string config_file;
  // Where plugins are looked for; directories that do not exist are passed over.
  std::vector<std::string> plugin_directories;
  // So many networks are made in advance and kept; others go when nobody took them again for a while.
  int pool_size = 0;
  // Of the built-in bridge; it is removed at the end if it was not there at the start.
  std::string bridge_name = "buildkit0";
  std::string bridge_subnet = "10.10.0.0/16";
};

// kFailedPrecondition if plugins are missing or cannot make a network (one is made to see). Takes down what dead
// processes left in `state_dir`. When destroyed, all networks have been given back, and are taken down.
Result<std::shared_ptr<StepNetworks>> OpenCniNetworks(CniOptions options);

}  // namespace loam::worker
