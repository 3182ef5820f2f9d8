// BuildEngine: the one interface between the command line and whatever builds, in process or remote.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/gateway/dockerfile_build.h"
#include "runtime-executor/gateway/earthfile/earthfile_build.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/ops/terminal_lender.h"
#include "runtime-executor/session/client_services.h"
#include "runtime-executor/solver/progress.h"

namespace loam::cli {

// Runs a command with a terminal in the step that made a build fail, as the step left its filesystems and with its
// environment, mounts and secrets; the exit code. kNotFound: no step failed.
using RunInFailedStep = std::function<Result<int>(const std::vector<std::string>& args, ops::TerminalLender& terminal)>;

struct BuildCaches {
  // A local cache whose index is to name what was written.
  struct LocalIndex {
    std::string directory;
    std::string tag;
  };
  struct Export {
    engine::CacheEntry entry;
    std::optional<LocalIndex> index;
  };
  std::vector<engine::CacheEntry> imports;
  std::vector<Export> exports;  // without "inline"
  bool inline_cache = false;
};

struct BuildRequest {
  gateway::DockerfileBuildRequest frontend;
  std::shared_ptr<session::ClientServices> client;
  ops::Entitlements entitlements;
  std::vector<engine::ExportRequest> exports;
  BuildCaches caches;
  // Attestations: "attest:provenance", "attest:sbom" with their attributes.
  std::map<std::string, std::string> attests;
  std::string title;
  std::string build_key;
  // Called when the build failed, while its steps are still there (`--debug`); may be empty.
  std::function<void(const RunInFailedStep& run)> on_failure;
};

struct BuildOutcome {
  // Members of all exporters' responses ("containerimage.digest", …).
  std::map<std::string, std::string> response;
};

// A target of an Earthfile.
struct EarthBuildRequest {
  // Not null; outlives the build.
  const gateway::earthfile::EarthfileBuildRequest* frontend = nullptr;
  std::shared_ptr<session::ClientServices> client;
  ops::Entitlements entitlements;
  std::string title;
  std::string build_key;
  // As BuildRequest has it.
  std::function<void(const RunInFailedStep& run)> on_failure;
  // As engine::JobOptions has it.
  std::function<void(const Digest& vertex, const std::string& name, const ops::StepUsage& usage)> on_usage;
  // Takes an image archive that came from elsewhere into the image store of this machine.
  std::function<Result<>(const std::string& archive, const std::string& name)> keep_image;
};

class BuildEngine {
 public:
  virtual ~BuildEngine() = default;
  // Blocks. What the compiler said is in `report`, also on failure.
  virtual Result<BuildOutcome> Build(const BuildRequest& request, std::shared_ptr<solver::ProgressSink> progress,
                                     gateway::DockerfileBuildReport& report, std::stop_token stop) = 0;
  // Blocks. As gateway::earthfile::BuildEarthfile.
  virtual Result<> BuildEarthfile(const EarthBuildRequest& request, std::shared_ptr<solver::ProgressSink> progress,
                                  gateway::earthfile::EarthfileBuildReport& report, std::stop_token stop) = 0;
};

// Over the engine of this process. `engine` outlives the result.
std::unique_ptr<BuildEngine> MakeLocalBuildEngine(engine::Engine& engine);

}  // namespace loam::cli
