// OutputWriter: builds what a WAIT scope holds and hands it out: files on the invoker's machine, local images, pushes.
#pragma once

#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "compiler/driver/earthfile/compile.h"
#include "runtime-executor/engine/engine.h"
#include "runtime-executor/gateway/earthfile/step_registry.h"

namespace loam::gateway::earthfile {

// What was handed out, for the summary.
struct WrittenOutput {
  enum class Kind : std::uint8_t { kArtifact, kImage, kPush };
  Kind kind = Kind::kArtifact;
  std::string target;  // "+build"
  std::string what;    // "+build/dist/app", "app:latest"
  std::string where;   // destination of an artifact; digest of an image
};

struct OutputOptions {
  // Of the invocation: relative destinations of artifacts are below it.
  std::string directory;
  // --no-output: nothing is written here; pushes happen.
  bool no_output = false;
  bool push = false;
};

class OutputWriter {
 public:
  // `job` and `steps` outlive it.
  OutputWriter(engine::Job& job, OutputOptions options) : job_(job), options_(std::move(options)) {}

  // Everything is built first, in parallel; then artifacts are written, images are kept, and, last, pushed.
  Result<> Perform(const driver::earthfile::CompiledOutputs& outputs, const std::stop_token& stop);
  // --artifact.
  Result<> WriteArtifact(const driver::earthfile::CompiledWanted& wanted, const std::string& destination,
                         const std::stop_token& stop);
  // Files of a filesystem that is built already.
  Result<> Save(const snapshot::FsRef& fs, const sema::earthfile::ArtifactOutput& artifact,
                const std::stop_token& stop);

  [[nodiscard]] std::vector<WrittenOutput> written() const;

 private:
  Result<> Images(const driver::earthfile::CompiledOutputs& outputs, const std::vector<snapshot::FsRef>& filesystems,
                  std::size_t first, const std::stop_token& stop);
  void Note(WrittenOutput output);

  engine::Job& job_;
  const OutputOptions options_;
  mutable std::mutex mutex_;  // guards written_
  std::vector<WrittenOutput> written_;
};

}  // namespace loam::gateway::earthfile
