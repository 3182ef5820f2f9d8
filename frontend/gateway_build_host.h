// The compiler's BuildHost over the gateway API: the daemon solves, the frontend asks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "compiler/sema/blocking.h"
#include "compiler/sema/build_host.h"
#include "frontend/gateway_client.h"
#include "llb-emit/emit.h"

namespace loam::frontend {

struct GatewayBuildHostOptions {
  // Serialised pb.Definitions that other builds gave this one, by name.
  std::map<std::string, std::string> inputs;
  // Of the client, for its local directories; `local_session_ids`: other ones by name.
  std::string session_id;
  std::map<std::string, std::string> local_session_ids;
  // The local directory that the Dockerfile is in, and the files of it that are asked for; they are fetched at once.
  std::string dockerfile_directory = "dockerfile";
  std::string dockerfile_name = "Dockerfile";
  sema::BlockingHooks blocking;
  // Called with each definition of a graph's value before it is solved.
  std::function<void(const ir::Graph& graph, const llb::Definition& definition)> on_definition;
};

// Thread-safe as far as the graph is: calls that name the same graph must be ordered by the caller. What was solved is
// remembered by its definition, so asking several questions about one state solves it once.
class GatewayBuildHost final : public sema::BuildHost {
 public:
  // `client` outlives the host.
  GatewayBuildHost(GatewayClient& client, GatewayBuildHostOptions options);

  Result<sema::ImageMetadata> ResolveImage(const sema::ImageQuery& query) override;
  Result<> Evaluate(ir::Graph& graph, ir::Value fs) override;
  Result<std::string> ReadFile(ir::Graph& graph, ir::Value fs, std::string_view path, std::uint64_t limit) override;
  Result<sema::FileStat> StatFile(ir::Graph& graph, ir::Value fs, std::string_view path) override;
  Result<std::vector<sema::FileStat>> ListDirectory(ir::Graph& graph, ir::Value fs, std::string_view path) override;
  Result<sema::ProcessResult> Run(ir::Graph& graph, ir::Value capture) override;
  Result<std::optional<std::int64_t>> SourceTime(ir::Graph& graph, ir::Value source) override;
  Result<ir::Value> LoadInput(ir::Graph& graph, std::string_view name) override;
  Result<sema::RemoteProject> FetchProject(ir::Graph& graph, std::string_view reference) override;
  Result<std::string> ReadContextFile(std::string_view name, std::string_view path) override;
  Result<std::string> ReadDockerfileNeighbour(std::string_view path) override;

  // The definition and the vertex that the last file was read from, for source maps; "" before the first.
  struct Origin {
    std::string definition;
    std::string vertex;
  };
  [[nodiscard]] Origin last_read() const;

 private:
  Result<Ref> Solve(const llb::Definition& definition);
  Result<Ref> SolveValue(const ir::Graph& graph, ir::Value fs, llb::Definition& definition);
  Result<std::string> ReadLocal(std::string_view name, const std::vector<std::string>& paths, std::string_view hint,
                                std::string_view shown, std::string_view path);
  void NoteRead(const llb::Definition& definition);

  GatewayClient& client_;
  const GatewayBuildHostOptions options_;
  mutable std::mutex mutex_;                        // guards what follows
  std::map<std::string, Ref, std::less<>> solved_;  // by the head's digest
  Origin last_read_;
};

}  // namespace loam::frontend
