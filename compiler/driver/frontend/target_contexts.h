// Named contexts that are other stages of the same Dockerfile ("context:NAME" = "target:STAGE").
#pragma once

#include <functional>

#include "base/result.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/frontend/dockerfile_request.h"

namespace loam::driver {

// Turns them into inputs, as a client does that builds several targets: each stage is compiled by `compile`, without
// such contexts, and its definition and image config become an input for every platform.
Result<> BuildTargetContexts(DockerfileRequest& request,
                             const std::function<Result<CompileResult>(const DockerfileRequest&)>& compile);

}  // namespace loam::driver
