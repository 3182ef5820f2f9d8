// BuildHost: what the compiler may ask of the world while it compiles. Implementations: from recorded answers
// (json_build_host.h), knowing nothing (unknown_build_host.h), and, outside of the compiler, over the engine in process
// and over the gateway API.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compiler/ir/graph.h"

namespace loam::sema {

// An OCI layout that the client offers, instead of a registry.
struct OciStore {
  std::string_view session_id;
  std::string_view store_id;
};

struct ImageQuery {
  std::string_view ref;           // normalised: "docker.io/library/alpine:latest"
  ir::Platform platform;          // the platform whose config is wanted
  std::string_view resolve_mode;  // "default", "pull", "local"
  std::string_view log_name;      // "[internal] load metadata for …"
  std::optional<OciStore> oci_store;
};

struct ImageMetadata {
  std::string ref;     // possibly changed by a source policy; else the query's
  std::string digest;  // "sha256:…"; empty if the host cannot tell
  std::string config;  // the image config as JSON
};

// Detail of an error of ResolveImage: a source policy makes the image something that is none.
struct ImageReplaced final : ErrorDetail {
  explicit ImageReplaced(std::string by) : identifier(std::move(by)) {}
  std::string identifier;  // "local://name", "https://…"
};

struct FileStat {
  std::string path;
  std::uint32_t mode = 0;  // Go's os.FileMode bits, as the gateway API has them
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  bool is_directory = false;
};

struct ProcessResult {
  std::int64_t exit_code = 0;
  std::string standard_output;
};

struct RemoteProject {
  ir::Value fs;           // in the graph that the query named
  std::string directory;  // where its build file is, inside of `fs`
};

// All calls may block and may be made from several threads at once. kUnimplemented means "this host cannot know": the
// caller then analyses both possibilities, or reports that the build needs a host that can.
class BuildHost {
 public:
  virtual ~BuildHost() = default;

  // True if no call blocks, so that nothing is gained by asking from several threads.
  [[nodiscard]] virtual bool AnswersAtOnce() const { return false; }

  virtual Result<ImageMetadata> ResolveImage(const ImageQuery& query) = 0;

  // Builds a filesystem, to find out early whether it can be built.
  virtual Result<> Evaluate(ir::Graph& graph, ir::Value fs) = 0;
  // Contents of one file, at most `limit` bytes of it (0: all). kNotFound if there is none.
  virtual Result<std::string> ReadFile(ir::Graph& graph, ir::Value fs, std::string_view path, std::uint64_t limit) = 0;
  virtual Result<FileStat> StatFile(ir::Graph& graph, ir::Value fs, std::string_view path) = 0;
  virtual Result<std::vector<FileStat>> ListDirectory(ir::Graph& graph, ir::Value fs, std::string_view path) = 0;
  // Runs a `capture` node and gives its last two results.
  virtual Result<ProcessResult> Run(ir::Graph& graph, ir::Value capture) = 0;

  // The time that stands for a source: the commit's time of a git source, Last-Modified of an HTTP one, in seconds
  // since the epoch; nullopt if it has none.
  virtual Result<std::optional<std::int64_t>> SourceTime(ir::Graph& graph, ir::Value source) = 0;

  // A filesystem that the build was given by another one ("input:NAME", or "context" and "dockerfile"); kNotFound if
  // there is none of that name.
  virtual Result<ir::Value> LoadInput(ir::Graph&, std::string_view name) {
    return Unexpected(ErrorCode::kNotFound, "the build was given no input `" + std::string(name) + "`");
  }

  virtual Result<RemoteProject> FetchProject(ir::Graph& graph, std::string_view reference) = 0;

  // A file of a local context (".dockerignore"); kNotFound if there is none.
  virtual Result<std::string> ReadContextFile(std::string_view name, std::string_view path) = 0;
  // A file beside the Dockerfile, which may lie outside of the context ("Dockerfile.dockerignore"); kNotFound if there
  // is none.
  virtual Result<std::string> ReadDockerfileNeighbour(std::string_view path) = 0;
};

}  // namespace loam::sema
