// An image as a directory that WITH DOCKER gives to its daemon, layer by layer: what `docker save` writes, unpacked,
// and two files for the script of the step (compiler/sema/earthfile/docker_script.cpp):
//   image-id   "sha256:…", as `docker image inspect` names the image
//   layers     a line a layer, from the base: its diff id and its file
#pragma once

#include <stop_token>
#include <string>

#include "base/result.h"
#include "compiler/sema/earthfile/effects_host.h"
#include "runtime-executor/gateway/earthfile/build_site.h"

namespace loam::gateway::earthfile {

// Into `directory`, which is made. `tree` is what `image.fs` was built to.
Result<> WriteImageLayout(BuildSite& site, const sema::earthfile::DaemonImage& image, const TreeRef& tree,
                          const std::string& directory, const std::stop_token& stop);

}  // namespace loam::gateway::earthfile
