// A Dockerfile to be compiled without being built, and the world around it: for `loam compile`, `loam graph` and
// `loam build --call`.
#pragma once

#include <memory>

#include "cli/build_engine.h"
#include "cli/command.h"
#include "cli/commands/build_context.h"
#include "compiler/sema/build_host.h"
#include "compiler/sema/dockerfile/options.h"
#include "compiler/source/source_manager.h"

namespace loam::cli {

struct DockerfileInput {
  std::unique_ptr<source::SourceManager> sources;
  const source::Buffer* buffer = nullptr;
  sema::DockerfileOptions options;
};

// kUnimplemented for a remote context, which only a build fetches; `what` is who asks: "`loam compile`".
Result<DockerfileInput> ReadDockerfileInput(const BuildContext& files, const BuildRequest& request,
                                            std::string_view what);

// Who answers the compiler's questions. The engine is opened only if images must be resolved by it.
struct CompilerHost {
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<engine::Job> job;
  std::unique_ptr<sema::BuildHost> host;
};

// From the file that --images names if there is one, else over the engine.
Result<CompilerHost> OpenCompilerHost(const Context& context, const Flags& flags, const BuildRequest& request);

}  // namespace loam::cli
