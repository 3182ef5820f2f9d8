// The in-process Dockerfile frontend: compiles a Dockerfile (compiler/driver) with a BuildHost on an engine job, and
// solves what it emitted. The counterpart of BuildKit's `dockerfile.v0`.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/lint/warning.h"
#include "compiler/source/source_manager.h"
#include "runtime-executor/engine/engine.h"

namespace loam::gateway {

struct DockerfileBuildRequest {
  // The frontend's option map, as BuildKit names it: "filename", "target", "build-arg:NAME", "platform", "label:KEY",
  // "no-cache", "context:NAME", "image-resolve-mode", … The job's client offers the local directories "context" and
  // "dockerfile" (the folder that holds `filename`); not if "context" is the URL of a git repository, of an archive or
  // of a lone Dockerfile. Beyond what BuildKit's frontend knows, "context:NAME" may be "target:STAGE": what that stage
  // of the same Dockerfile makes, without such contexts.
  std::map<std::string, std::string> options;
  // What other builds made, as serialised pb.Definitions: for "context:NAME" = "input:INPUT" (with the option
  // "input-metadata:INPUT"), or in the place of the directories "context" and "dockerfile".
  std::map<std::string, std::string> inputs;
  // Path of the Dockerfile as the user wrote it, for messages: "sub/Dockerfile", "<stdin>".
  std::string display_name;
  // 0: the graph of BuildKit's own frontend. 1: optimised.
  int optimization_level = 1;
};

// Lines of a Dockerfile that a vertex comes from, 1-based, both included.
struct VertexSource {
  const source::Buffer* buffer = nullptr;
  struct Lines {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };
  std::vector<Lines> lines;
};

// What is known after the build, whether it succeeded or not.
struct DockerfileBuildReport {
  // Owns the texts that diagnostics and sources point into.
  std::shared_ptr<source::SourceManager> sources;
  // Errors and warnings of the compiler, in the order of emission.
  std::vector<diag::Diagnostic> diagnostics;
  // What the build checks found.
  std::vector<lint::Warning> warnings;
  std::unordered_map<Digest, VertexSource> vertex_sources;
};

struct DockerfileBuildResult {
  std::vector<engine::PlatformResult> platforms;
  // An index is asked for, even with one platform.
  bool multi_platform = false;
  // For the exporters: "source.date.epoch".
  std::map<std::string, std::string> metadata;
};

// Blocks until everything is built. If the Dockerfile has mistakes, they are in `report.diagnostics` and the error is
// kInvalidArgument; a failed step is an error with solver::VertexErrorDetail.
Result<DockerfileBuildResult> BuildDockerfile(engine::Job& job, session::ClientServices& client,
                                              const DockerfileBuildRequest& request, DockerfileBuildReport& report,
                                              std::stop_token stop);

}  // namespace loam::gateway
