// Where the Dockerfile of a build is, and its text.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "compiler/driver/frontend/dockerfile_request.h"
#include "compiler/sema/build_host.h"
#include "compiler/sema/dockerfile/options.h"

namespace loam::driver {

struct DockerfileText {
  std::string text;
  // As source maps name it: the option "filename", or what a lone Dockerfile at a URL is called.
  std::string file_name;
};

// In the main context if that is remote, in the input "dockerfile", else in the client's directory "dockerfile" (the
// option "dockerfilekey" names another one and makes it come from there in any case). kNotFound if it is not there.
Result<DockerfileText> ReadDockerfile(const DockerfileRequest& request, const sema::DockerfileOptions& options,
                                      sema::BuildHost& host);

}  // namespace loam::driver
