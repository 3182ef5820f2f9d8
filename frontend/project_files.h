// ProjectHost over the gateway API: Earthfiles are read from the build context that the client sends, and from git
// repositories that the daemon fetches.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "compiler/sema/earthfile/project_host.h"
#include "frontend/environment.h"
#include "frontend/gateway_build_host.h"

namespace loam::frontend {

// Name of the client's directory that a project is in.
inline constexpr const char* kContextName = "context";

// Thread-safe.
class GatewayProjectHost final : public sema::earthfile::ProjectHost {
 public:
  // `host` outlives it and is not guarded by a gate: calls come with the gate open. The file `earthfile` of the
  // client's directory "dockerfile" stands for the Earthfile of the context's top.
  GatewayProjectHost(GatewayClient& client, GatewayBuildHost& host, const Environment& environment,
                     std::string earthfile);

  Result<std::string> ReadFile(const sema::earthfile::Place& place, std::string_view path) override;
  Result<bool> FileExists(const sema::earthfile::Place& place, std::string_view path) override;
  Result<std::vector<sema::earthfile::DirectoryEntry>> ListDirectory(const sema::earthfile::Place& place,
                                                                     std::string_view path) override;
  Result<std::optional<sema::earthfile::GitFacts>> Git(const sema::earthfile::Place& place) override;
  Result<sema::earthfile::RemoteProject> Fetch(std::string_view git_path, std::string_view tag) override;
  Result<std::string> HashFile(const sema::earthfile::Place& place, std::string_view path) override;

 private:
  // The filesystem of a place, in `graph`, and the path in it. `follow`: nothing but that path of a local one.
  Result<ir::Value> FilesOf(ir::Graph& graph, const sema::earthfile::Place& place, std::string_view path, bool follow,
                            std::string& full) const;

  GatewayClient& client_;
  GatewayBuildHost& host_;
  const Environment& environment_;
  const std::string earthfile_;
  std::mutex mutex_;  // guards fetched_
  std::map<std::pair<std::string, std::string>, sema::earthfile::RemoteProject> fetched_;
};

}  // namespace loam::frontend
