// What `loam build` says at the end: diagnostics, the failed step with its lines of the Dockerfile, the summary.
#pragma once

#include "cli/command.h"
#include "cli/commands/build_context.h"
#include "cli/progress/display.h"
#include "runtime-executor/gateway/dockerfile_build.h"

namespace loam::cli {

// The list of what the build checks found, one line each; nothing if they found nothing.
void PrintWarnings(const Context& context, const gateway::DockerfileBuildReport& report);
void PrintDiagnostics(const Context& context, const gateway::DockerfileBuildReport& report);

// The error, with the lines of the Dockerfile around the step that failed and what can be done.
void PrintBuildError(const Context& context, const Error& error, const BuildContext& files,
                     const gateway::DockerfileBuildReport& report);

// "Dockerfile:5\n-----\n   4 |     …\n   5 | >>> RUN false\n-----\n"; a few lines of context on both sides.
std::string ExcerptOf(const gateway::VertexSource& source);

}  // namespace loam::cli
