// The compiler of the Dockerfiles that FROM DOCKERFILE names.
#pragma once

#include "compiler/sema/earthfile/evaluate.h"
#include "compiler/source/source_manager.h"

namespace loam::driver::earthfile {

class FromDockerfileCompiler : public sema::earthfile::DockerfileCompiler {
 public:
  // `sources` outlives it.
  explicit FromDockerfileCompiler(source::SourceManager& sources) : sources_(&sources) {}

  bool Compile(std::string_view name, std::string text, const sema::DockerfileOptions& options, ir::Value context,
               sema::BuildHost& host, ir::Module& module, diag::Emitter& emitter) override;

 private:
  source::SourceManager* sources_;
};

}  // namespace loam::driver::earthfile
