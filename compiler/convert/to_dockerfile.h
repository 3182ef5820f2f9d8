// An Earthfile's target -> a Dockerfile whose last stage has its filesystem and image config. The targets that it uses
// by FROM and COPY become stages before it; functions are written out.
//
// What only a build knows (IF, FOR, `$(…)`), what happens outside of the image (LOCALLY, WITH DOCKER) and what
// Dockerfiles have no words for is an error that names the command. What is left out without a change to the image (AS
// LOCAL, BUILD, the name of SAVE IMAGE) or is not quite the same (times of copied files) is a warning.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compiler/diagnostics/emitter.h"
#include "compiler/sema/earthfile/project.h"

namespace loam::convert {

// `target` without `+`. nullopt: errors went to `emitter`.
std::optional<std::string> ToDockerfile(const sema::earthfile::ProjectFile& file, std::string_view target,
                                        diag::Emitter& emitter);

}  // namespace loam::convert
