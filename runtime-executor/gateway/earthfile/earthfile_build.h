// The Earthfile frontend of this process: evaluates targets of a project (compiler/driver/earthfile) with the hosts of
// a site, builds what came out in parallel, and hands out images and artifacts. For builds whose client is this
// process: projects are read from its disk, LOCALLY runs here.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/sema/earthfile/evaluate.h"
#include "compiler/sema/earthfile/local_project.h"
#include "compiler/source/source_manager.h"
#include "runtime-executor/gateway/earthfile/build_site.h"
#include "runtime-executor/gateway/earthfile/effects.h"
#include "runtime-executor/gateway/earthfile/output_writer.h"
#include "runtime-executor/gateway/earthfile/step_registry.h"

namespace loam::gateway::earthfile {

struct EarthfileBuildRequest {
  // References as the user wrote them; for --artifact exactly one, with the artifact's path.
  std::vector<std::string> roots;
  // Overriding values, stronger ones later.
  std::vector<std::pair<std::string, std::string>> args;
  // As sema::earthfile::EvaluateRequest has it.
  std::vector<std::pair<std::string, std::string>> asked_args;
  sema::earthfile::EvaluateOptions options;
  // --artifact: where it goes.
  std::string artifact_destination = "./";
  sema::earthfile::LocalProjectOptions project;
  // --version-flag-overrides
  std::string feature_overrides;
  // Where hashes of --auto-skip are kept; null: nowhere. Outlives the build.
  sema::earthfile::AutoSkipStore* auto_skip = nullptr;
  int optimization_level = 1;
  // Where the invoker's Docker daemon is, for WITH DOCKER under LOCALLY; or why nobody knows.
  Result<std::string> docker_host = Unexpected(ErrorCode::kFailedPrecondition, "no Docker daemon is known");
  // Where images that are saved go besides the image store.
  DockerLoad docker_load;
  // For RUN --interactive; null: there is none.
  std::shared_ptr<ops::TerminalLender> terminal;
  Messages messages;
  // Null: none is kept. Outlives the build.
  sema::earthfile::Journal* journal = nullptr;
};

// What is known while the build runs (steps) and after it, whether it succeeded or not.
struct EarthfileBuildReport {
  // Owns the texts that diagnostics point into.
  std::shared_ptr<source::SourceManager> sources = std::make_shared<source::SourceManager>();
  std::vector<diag::Diagnostic> diagnostics;
  std::shared_ptr<StepRegistry> steps = std::make_shared<StepRegistry>();
  std::vector<WrittenOutput> written;
  // For the end of the summary: "pushes were skipped".
  std::vector<std::string> notes;
};

// Blocks until everything is done. If an Earthfile has mistakes, they are in `report.diagnostics` and the error is
// kInvalidArgument; a failed step is an error with solver::VertexErrorDetail. The site's client opens the directories
// of the project by their paths (ProjectDirs).
Result<> BuildEarthfile(BuildSite& site, const EarthfileBuildRequest& request, EarthfileBuildReport& report,
                        const std::stop_token& stop);
// The same on a site whose job plans: nothing is built or written.
Result<> PlanEarthfile(BuildSite& site, const EarthfileBuildRequest& request, EarthfileBuildReport& report,
                       const std::stop_token& stop);

}  // namespace loam::gateway::earthfile
