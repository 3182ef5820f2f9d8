// EffectsHost: what an evaluation does to the world at once, beside asking questions of a BuildHost: commands of
// LOCALLY, files of the invoker's machine, the outputs of a WAIT, files of a failed TRY, a terminal.
//
// Every call is made with the gate held (gate.h); an implementation opens it while it waits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/ir/graph.h"
#include "compiler/sema/build_host.h"
#include "compiler/sema/earthfile/outputs.h"

namespace loam::sema::earthfile {

// Whose step it is, for progress.
struct StepName {
  std::string target;        // "+test"
  std::string command;       // "RUN make test"
  std::string place;         // "Earthfile:12:3"
  std::uint32_t number = 0;  // of its command in the journal
};

// A command under LOCALLY.
struct LocalCommand {
  StepName name;
  std::vector<std::string> argv;
  std::string directory;         // absolute
  std::vector<std::string> env;  // "KEY=value", over the environment of the invoker
  // Its standard output is an answer, not to be shown ($(…), FOR).
  bool capture = false;
  // An exit code other than 0 is an answer and no failure (IF).
  bool condition = false;
  // Its lines carry no prefix.
  bool raw_output = false;
};

// COPY +target/path dest under LOCALLY.
struct HostExport {
  StepName name;
  ir::Value fs;             // the artifacts of the target
  std::string source;       // path in `fs`; wildcards
  std::string destination;  // absolute; a trailing slash means inside of that directory
  bool directory = false;   // --dir
  bool if_exists = false;
  bool keep_times = false;
};

// SAVE ARTIFACT under LOCALLY: a path of the machine becomes part of a filesystem.
struct HostImport {
  StepName name;
  std::string source;       // absolute; wildcards
  std::string destination;  // path in the new filesystem; as COPY --dir names it
  bool if_exists = false;
};

// A RUN inside of TRY, whose FINALLY saves files.
struct TryStep {
  StepName name;
  // The filesystem after the RUN; the node of this value is the exec op.
  ir::Value fs;
  struct File {
    std::string source;       // absolute path in the step's filesystem, as it is after the failure
    std::string destination;  // as ArtifactOutput::destination
    bool if_exists = false;
  };
  std::vector<File> files;
};

// RUN --interactive, --interactive-keep.
struct InteractiveStep {
  StepName name;
  ir::Value fs;       // an exec op that is never taken from the cache
  bool keep = false;  // what it leaves is the filesystem that the target goes on with
};

// An image for a Docker daemon inside of a step (WITH DOCKER).
struct DaemonImage {
  std::string name;  // "app:latest"
  ir::Value fs;
  std::string config;       // OCI image config as JSON
  std::string platform_id;  // "linux/amd64"
};

class EffectsHost {
 public:
  virtual ~EffectsHost() = default;

  // Runs a command on the invoker's machine. kFailedPrecondition if that is not possible (a daemon, no consent). An
  // exit code other than 0 is returned as such, never as an Error.
  virtual Result<ProcessResult> RunLocally(const LocalCommand& command) = 0;
  virtual Result<> ExportToHost(ir::Graph& graph, const HostExport& files) = 0;
  // A filesystem with the files at `destination`; a source node of `graph` (such as source.local, whose identity
  // depends on the contents).
  virtual Result<ir::Value> ImportFromHost(ir::Graph& graph, const HostImport& files) = 0;

  // Builds the states, writes artifacts, keeps and pushes images: END of a WAIT.
  virtual Result<> Perform(ir::Graph& graph, const Outputs& outputs) = 0;

  // Builds the step. If it fails, its files are written to the machine and the error is the step's.
  virtual Result<> RunTry(ir::Graph& graph, const TryStep& step) = 0;

  // A source node of `graph` with the image as `docker save` writes it, unpacked: manifest.json, which has the name,
  // the config and the layers as files of their own. kUnimplemented: the daemon gets the image's files as one layer.
  virtual Result<ir::Value> ImageLayout(ir::Graph& /*graph*/, const DaemonImage& /*image*/) {
    return Unexpected(ErrorCode::kUnimplemented, "this host has no image layouts");
  }

  // Builds the images and hands them to the Docker daemon of the invoker's machine (WITH DOCKER under LOCALLY).
  virtual Result<> LoadIntoDocker(ir::Graph& graph, std::span<const DaemonImage> images) = 0;

  // Runs the step with the invoker's terminal.
  virtual Result<> RunInteractive(ir::Graph& graph, const InteractiveStep& step) = 0;

  // Messages for the invoker that are neither errors nor output of a step. `target` may be empty.
  virtual void Notice(std::string_view target, std::string_view text) = 0;
  virtual void Warning(std::string_view target, std::string_view text) = 0;

  // --auto-skip: whether a target with this hash was built with success before, and that it was now.
  virtual Result<bool> WasBuilt(std::string_view target, std::string_view hash) = 0;
  virtual Result<> RecordBuilt(std::string_view target, std::string_view hash) = 0;
};

}  // namespace loam::sema::earthfile
