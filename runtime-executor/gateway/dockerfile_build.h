// The in-process Dockerfile frontend: compiles a Dockerfile (compiler/driver) with a BuildHost on an engine job, and
// solves what it emitted. The counterpart of BuildKit's `dockerfile.v0`.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "compiler/driver/frontend/dockerfile_frontend.h"
#include "compiler/driver/frontend/dockerfile_request.h"
#include "runtime-executor/engine/engine.h"

namespace loam::gateway {

struct DockerfileBuildRequest : driver::DockerfileRequest {
  // "# syntax=" is followed: whoever builds can run other frontends.
  bool forwards = false;
  // What the build checks find is told by the job's progress.
  bool tell_warnings = false;
  // Nothing of the result is solved: its platforms have definitions, but no filesystems yet.
  bool lazy = false;
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
struct DockerfileBuildReport : driver::DockerfileFrontendReport {
  std::unordered_map<Digest, VertexSource> vertex_sources;
};

struct DockerfileBuildResult {
  std::vector<engine::PlatformResult> platforms;
  // An index is asked for, even with one platform.
  bool multi_platform = false;
  // For the exporters: "source.date.epoch". Of a question ("requestid"): its answer, and there are no platforms.
  std::map<std::string, std::string> metadata;
  // Set: nothing was built, this frontend is to be asked.
  std::optional<driver::ForwardedBuild> forwarded;
};

// Which lines of the Dockerfile every vertex comes from.
void AddVertexSources(const driver::CompileResult& compiled, const source::Buffer& buffer,
                      DockerfileBuildReport& report);

// Blocks until everything is built. If the Dockerfile has mistakes, they are in `report.diagnostics` and the error is
// kInvalidArgument; a failed step is an error with solver::VertexErrorDetail.
Result<DockerfileBuildResult> BuildDockerfile(engine::Job& job, session::ClientServices& client,
                                              const DockerfileBuildRequest& request, DockerfileBuildReport& report,
                                              std::stop_token stop);

}  // namespace loam::gateway
