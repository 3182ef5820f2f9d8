// OutputWriter: builds what a WAIT scope holds and hands it out: files on the invoker's machine, local images, pushes.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/driver/earthfile/compile.h"
#include "runtime-executor/gateway/earthfile/build_site.h"
#include "runtime-executor/gateway/earthfile/host_files.h"

namespace loam::gateway::earthfile {

// What was handed out, for the summary.
struct WrittenOutput {
  enum class Kind : std::uint8_t { kArtifact, kImage, kPush };
  Kind kind = Kind::kArtifact;
  std::string target;   // "+build"
  std::string what;     // "+build/dist/app", "app:latest"
  std::string where;    // destination of an artifact; digest of an image
  bool loaded = false;  // an image: also into Docker
};

// A Docker daemon that images are loaded into.
struct DockerLoad {
  using Attributes = std::map<std::string, std::string>;
  // Attributes of the exporter that loads ("host"); nullopt: there is no daemon, and that is no mistake. Called once,
  // when the first image is there. Empty: nothing is loaded.
  std::function<Result<std::optional<Attributes>>()> find;
  // True: an image that the daemon does not take is an error; else it is told to `warn`.
  bool required = false;
  std::function<void(std::string_view text)> warn;
};

struct OutputOptions {
  // Of the invocation: relative destinations of artifacts are below it.
  std::string directory;
  // --no-output: nothing is written here; pushes happen.
  bool no_output = false;
  bool push = false;
  FileWritten on_file = {};
  DockerLoad docker = {};
};

class OutputWriter {
 public:
  // `site` outlives it.
  OutputWriter(BuildSite& site, OutputOptions options) : site_(site), options_(std::move(options)) {}

  // Everything is built first, in parallel; then artifacts are written, images are kept, and, last, pushed.
  Result<> Perform(const driver::earthfile::CompiledOutputs& outputs, const std::stop_token& stop);
  // --artifact.
  Result<> WriteArtifact(const driver::earthfile::CompiledWanted& wanted, const std::string& destination,
                         const std::stop_token& stop);
  // Files of a filesystem that is built already.
  Result<> Save(const TreeRef& tree, const sema::earthfile::ArtifactOutput& artifact, const std::stop_token& stop);
  Result<> Save(const snapshot::MountedFs& mounted, const sema::earthfile::ArtifactOutput& artifact);

  [[nodiscard]] std::vector<WrittenOutput> written() const;

 private:
  Result<> Images(const driver::earthfile::CompiledOutputs& outputs, const std::vector<TreeRef>& trees,
                  std::size_t first, const std::stop_token& stop);
  void Note(WrittenOutput output);
  // Whether there was a daemon to take it.
  Result<bool> LoadIntoDocker(const SiteImage& image, const std::string& name, const std::stop_token& stop);

  BuildSite& site_;
  const OutputOptions options_;
  mutable std::mutex mutex_;  // guards written_
  std::vector<WrittenOutput> written_;
  std::mutex docker_mutex_;  // guards docker_, and is held while it is found
  std::optional<Result<std::optional<DockerLoad::Attributes>>> docker_;
};

}  // namespace loam::gateway::earthfile
