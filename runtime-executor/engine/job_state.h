// JobState: a build in progress. Internal to this folder.
#pragma once

#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>

#include "runtime-executor/cache/remote/backend.h"
#include "runtime-executor/engine/engine_state.h"
#include "runtime-executor/engine/plan_solver.h"
#include "runtime-executor/exporter/exporter.h"
#include "runtime-executor/ops/container.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/provenance/capture.h"
#include "runtime-executor/provenance/predicate.h"
#include "runtime-executor/solver/imported_cache.h"
#include "runtime-executor/solver/vertex_channel.h"

namespace moby::buildkit::v1::frontend {
class ChecksumRequest;
}
namespace pb {
class Op;
}

namespace loam::engine {

class JobState : public std::enable_shared_from_this<JobState> {
 public:
  static std::shared_ptr<JobState> Start(std::shared_ptr<EngineState> engine, JobOptions options);

  // Cancels everything; what the job lent to ops goes when they are done with it.
  void End();

  [[nodiscard]] Result<std::vector<snapshot::FsRef>> SolveAll(std::span<const std::string_view> definitions,
                                                              std::span<const CacheEntry> imports, std::stop_token stop,
                                                              std::span<const std::string> policies);
  [[nodiscard]] const JobOptions& options() const { return options_; }
  // cache_export.cpp
  [[nodiscard]] Result<std::map<std::string, std::string>> ExportCache(std::span<const PlatformResult> results,
                                                                       const CacheEntry& entry, std::stop_token stop);
  [[nodiscard]] Result<> CheckCacheExport(const CacheEntry& entry) const;
  // attest.cpp
  [[nodiscard]] Result<provenance::Capture> CaptureOf(const PlatformResult& result);
  [[nodiscard]] Result<std::string> ProvenanceOf(const provenance::Capture& capture,
                                                 const provenance::Settings& settings, const std::string& definition);
  [[nodiscard]] Result<> AddSboms(std::vector<PlatformResult>& results,
                                  const std::map<std::string, std::string>& attributes, bool use_cache,
                                  const std::string& resolve_mode, const std::stop_token& stop);
  [[nodiscard]] Result<> Attest(std::vector<PlatformResult>& results, const std::map<std::string, std::string>& options,
                                std::stop_token stop);
  [[nodiscard]] Result<> CaptureDefinition(const std::string& definition, provenance::Capture& capture);
  [[nodiscard]] Result<provenance::RequestPtr> Describe(const FrontendRequest& request, const std::string& definition);
  [[nodiscard]] Result<std::vector<std::string>> HistoryProvenance(std::span<const PlatformResult> results,
                                                                   const std::map<std::string, std::string>& options);
  // What a definition that was solved by this job was made of; empty for scratch.
  [[nodiscard]] Result<std::vector<solver::CacheGraphNode>> GraphOf(const std::string& definition) const;
  [[nodiscard]] Result<snapshot::MountedFs> Mount(const snapshot::FsRef& fs, std::stop_token stop);
  [[nodiscard]] Result<ResolvedImage> ResolveImage(const ImageRequest& request, std::stop_token stop);
  // Without a look at the policy.
  [[nodiscard]] Result<ResolvedImage> ResolveImageAsItIs(const ImageRequest& request, std::stop_token stop);
  [[nodiscard]] Result<> ResolveSourceMeta(const moby::buildkit::v1::frontend::ResolveSourceMetaRequest& request,
                                           moby::buildkit::v1::frontend::ResolveSourceMetaResponse& response,
                                           bool ask_client, std::stop_token stop);
  // Changes a source op as the policy wants it; true if it did.
  [[nodiscard]] Result<bool> ApplyPolicy(pb::Op& op, std::span<const std::string> more, bool rules_only,
                                         std::stop_token stop);
  [[nodiscard]] Result<std::optional<std::int64_t>> SourceTime(const source::SourceRequest& source,
                                                               const std::string& log_name, std::stop_token stop);
  [[nodiscard]] Result<source::GitTree> FetchGitTree(const source::GitTreeRequest& request, const std::string& log_name,
                                                     std::stop_token stop);
  [[nodiscard]] Result<std::unique_ptr<ops::FrontendContainer>> NewContainer(ops::ContainerOptions options,
                                                                             std::stop_token stop);
  [[nodiscard]] Result<std::map<std::string, std::string>> Export(std::span<const PlatformResult> results,
                                                                  const ExportRequest& request, std::stop_token stop);
  [[nodiscard]] Result<> Step(const std::string& name, const std::function<Result<>(solver::ProgressWriter&)>& body);
  [[nodiscard]] bool is_plan() const { return options_.plan; }
  [[nodiscard]] Result<BuildRecord> Plan() const;
  void LendTerminal(const Digest& vertex, std::shared_ptr<ops::TerminalLender> terminal);
  [[nodiscard]] Result<int> RunInFailedStep(const Error& failure, std::vector<std::string> args,
                                            ops::TerminalLender& terminal, std::stop_token stop);
  // Definitions as the policy wants them; the changed ones are kept in `changed`.
  [[nodiscard]] Result<std::vector<std::string_view>> ApplyPolicies(std::span<const std::string_view> definitions,
                                                                    std::span<const std::string> more,
                                                                    std::list<std::string>& changed,
                                                                    const std::stop_token& stop);
  // Empties cache mounts, each once in the build.
  [[nodiscard]] Result<> RenewCacheMounts(const std::set<std::string>& ids);
  void Warn(solver::WarningEvent warning) { options_.progress->OnEvent(std::move(warning)); }
  [[nodiscard]] Result<> Finish(const std::optional<Error>& failure);

 private:
  std::mutex renewed_mutex_;  // guards renewed_
  std::set<std::string> renewed_;
  Result<> AddAttestationChain(const ImageRequest& image, const std::string& digest,
                               const moby::buildkit::v1::frontend::ResolveSourceMetaRequest& request,
                               moby::buildkit::v1::frontend::ResolveSourceMetaResponse& response, std::stop_token stop);
  Result<std::string> ChecksumOf(source::SourceInstance& instance, source::SourceContext& surroundings,
                                 const std::string& file_name,
                                 const moby::buildkit::v1::frontend::ChecksumRequest& request);
  class Services;
  struct Import;
  // cache_import.cpp: in their order, without those that cannot be read.
  [[nodiscard]] Result<std::vector<std::shared_ptr<const solver::CacheImport>>> Imports(
      std::span<const CacheEntry> entries, std::stop_token stop);
  [[nodiscard]] Result<std::shared_ptr<const solver::CacheImport>> OpenImport(const CacheEntry& entry,
                                                                              std::stop_token stop);
  // What an import has for one of its nodes, with its blobs in the content store; nullopt: not everything of it.
  [[nodiscard]] Result<std::optional<cache::ExportedResult>> FetchImported(
      const solver::CacheGraphNode::Imported& imported, const std::stop_token& stop);
  [[nodiscard]] cache::BackendServices CacheServices() const;
  // export.cpp
  [[nodiscard]] exporter::ExporterServices ServicesForExport() const;

  // For sources that are asked outside of the graph; shares what the job found out with those in it.
  [[nodiscard]] source::SourceContext Surroundings(solver::ProgressWriter& progress, std::stop_token stop) const;
  JobState(std::shared_ptr<EngineState> engine, JobOptions options);

  const std::shared_ptr<EngineState> engine_;
  const JobOptions options_;
  const WallTime started_;
  std::unique_ptr<PlanSolver> plan_;  // null: the engine's solver
  std::shared_ptr<solver::Job> solver_job_;
  std::shared_ptr<Services> services_;
  std::atomic<std::uint64_t> next_step_{0};
  std::once_flag images_made_;
  std::unique_ptr<source::ImageConfigs> images_;
  std::mutex resolved_mutex_;  // guards resolved_, proxied_
  // Images whose configs the build asked for.
  std::vector<provenance::ImageMaterial> resolved_;
  // What steps of this job asked for through proxies.
  std::map<Digest, ops::ProxyTraffic> proxied_;
  void CaptureProxied(const Digest& vertex, const pb::Op& op, provenance::Capture& capture);
  std::mutex imports_mutex_;  // guards imports_ and import_sources_; may be taken while an Import is locked
  std::map<std::string, std::shared_ptr<Import>> imports_;
  // Where the imports of imports_ come from.
  std::map<const solver::CacheImport*, std::shared_ptr<cache::CacheSource>> import_sources_;
};

}  // namespace loam::engine
