// Engine: content store, layers, cache, sources, worker, ops and exporters as one object. The only folder that names
// concrete parts. What costs time is opened when it is first needed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/platform.h"
#include "base/result.h"
#include "runtime-executor/cdi/devices.h"
#include "runtime-executor/engine/build_record.h"
#include "runtime-executor/engine/cache_units.h"
#include "runtime-executor/engine/disk_usage.h"
#include "runtime-executor/exporter/attestation.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/provenance/request.h"
#include "runtime-executor/registry/host_config.h"
#include "runtime-executor/session/client_services.h"
#include "runtime-executor/snapshot/fs_ref.h"
#include "runtime-executor/snapshot/mount.h"
#include "runtime-executor/solver/progress.h"
#include "runtime-executor/source/git/git_tree.h"
#include "runtime-executor/source/source.h"
#include "runtime-executor/worker/worker.h"

namespace pb {
class Definition;
}  // namespace pb

namespace moby::buildkit::v1::frontend {
class ResolveSourceMetaRequest;
class ResolveSourceMetaResponse;
}  // namespace moby::buildkit::v1::frontend
namespace moby::buildkit::v1::sourcepolicy::policysession {
class CheckPolicyRequest;
class CheckPolicyResponse;
}  // namespace moby::buildkit::v1::sourcepolicy::policysession

namespace loam::source {
class ImageStore;
}
namespace loam::ops {
class FrontendContainer;
struct ContainerOptions;
}  // namespace loam::ops
namespace loam::content {
class ContentStore;
}

namespace loam::engine {

struct EngineOptions {
  // State root; DefaultRoot() if empty. Made if it does not exist.
  std::string root;
  // OCI runtime: "crun", "runc" or a path; empty: crun, else runc.
  std::string runtime;
  // "overlay", "native", or empty: overlay if the kernel and the file system of the root allow it.
  std::string snapshotter;
  // Mirrors, plain HTTP and certificates of registry hosts.
  registry::HostConfigs registry_hosts;
  // Transfers to or from one registry host at the same time; 0: the default.
  int registry_transfers = 0;
  // Name servers of steps, instead of the host's.
  worker::DnsOptions dns;
  // Networks of steps; null: steps have the host's.
  std::shared_ptr<worker::StepNetworks> networks;
  // Cgroup of steps, relative to the root of the hierarchy; empty: the default.
  std::string cgroup_parent;
  // Steps that run at the same time; 0: no limit.
  int max_parallel_steps = 0;
  // Devices that steps may ask for.
  cdi::DevicesOptions devices;
  // What provenance says of this builder: a JSON object, see provenance::Run; and the version of its Dockerfile
  // frontend.
  std::string provenance_environment;
  std::string dockerfile_version;
  // As source::GitSourceOptions has it: never set where clients are others than this machine's user.
  std::function<std::string(const std::string& remote)> git_ssh_command;
  // Told of files of contexts on this machine whose contents had to be read, as cache::HostFileRead is.
  std::function<void(const std::string& directory, const std::string& path, std::uint64_t bytes)> on_context_read;
};

// /var/lib/loam for root, else $XDG_DATA_HOME/loam or ~/.local/share/loam.
std::string DefaultRoot();

// One cache to import or export, as clients name it: "registry", "local", "inline", "gha", "s3", "azblob".
struct CacheEntry {
  std::string type;
  std::map<std::string, std::string> attributes;
};

// Which sources a build may use, and in whose place.
struct SourcePolicyOptions {
  // Serialised sourcepolicy.Policy messages; all count.
  std::vector<std::string> rules;
  // Asks the client about a source; null: nobody is asked.
  std::function<Result<>(const moby::buildkit::v1::sourcepolicy::policysession::CheckPolicyRequest&,
                         moby::buildkit::v1::sourcepolicy::policysession::CheckPolicyResponse&, std::stop_token)>
      ask;
};

// Why the client's policy denied a source.
class PolicyDenyDetail final : public ErrorDetail {
 public:
  explicit PolicyDenyDetail(std::vector<std::string> reasons) : messages(std::move(reasons)) {}
  const std::vector<std::string> messages;
};

// A policy puts something that is no image in the place of an image.
class ImageReplacedDetail final : public ErrorDetail {
 public:
  explicit ImageReplacedDetail(std::string by) : identifier(std::move(by)) {}
  const std::string identifier;  // "local://name", "https://…"
};

struct JobOptions {
  // Not null; shared with ops that outlive the job for a moment.
  std::shared_ptr<session::ClientServices> client;
  // Not null.
  std::shared_ptr<solver::ProgressSink> progress;
  ops::Entitlements entitlements;
  // What `loam why` shows of the build: its Dockerfile and target, for example "Dockerfile --target test".
  std::string title;
  // Builds of one kind are compared with each other: same context directory, Dockerfile and target.
  std::string build_key;
  // Nothing but sources runs, and nothing is kept: the job only finds out what a build would do (Job::Plan). Results
  // that would have to be made are empty filesystems.
  bool plan = false;
  SourcePolicyOptions policy;
  // Steps reach the network through these only; null: as they ask for.
  ops::StepProxies* step_proxies = nullptr;
  // As which version of BuildKit images and attestations are written: 10, 20, or 30, the newest.
  int compatibility_version = 30;
  // What the processes of a step used, once it has run; may be empty. Called from any thread.
  std::function<void(const Digest& vertex, const std::string& name, const ops::StepUsage& usage)> on_usage;
  // In which steps are looked up that the engine's own cache does not have; the first is the best. One that cannot be
  // read is shown as a failed step and left out.
  std::vector<CacheEntry> cache_imports;
};

struct ResolvedImage {
  // The reference with the digest of what the tag points to now: "docker.io/library/alpine:3.20@sha256:…".
  std::string pinned_ref;
  std::string digest;
  std::string config;
};

struct ImageRequest {
  std::string ref;  // normalised: "docker.io/library/alpine:latest"
  // nullopt: the host's.
  std::optional<Platform> platform;
  // "default", "pull", "local"
  std::string resolve_mode;
  // Progress vertex that shows the work: "[internal] load metadata for …"; empty: not shown.
  std::string log_name;
  // An OCI layout that the client offers, instead of a registry.
  std::string oci_store_id;
  // Serialised sourcepolicy.Policy messages of whoever asks, beside those of the build.
  std::vector<std::string> policies;
};

// What a frontend was asked, for provenance.
struct FrontendRequest {
  std::string frontend;  // "dockerfile.v0"; "": none, the client made the definition
  std::map<std::string, std::string> options;
  // Requests that made its inputs, by the inputs' names, as far as they are known.
  std::map<std::string, provenance::RequestPtr> inputs;
  // What the client asked for, where a frontend of its build asked for this; null: this is it.
  std::shared_ptr<const FrontendRequest> root;
  // How many frontends asked each other before this.
  int depth = 0;
};

// What a frontend used beside the definition of its result.
struct FrontendSources {
  // Serialised pb.Definitions that were solved: those of remote contexts, of files that it read.
  std::vector<std::string> definitions;
  // Directories of the client.
  std::set<std::string> locals;
};

// What an SBOM scanner looks at beside a result, as the frontend was told to say it: serialised pb.Definitions by name
// ("context", names of stages).
struct ScanExtras {
  std::map<std::string, std::string> definitions;
  // The scan does not come from the cache.
  bool ignore_cache = false;
};

// One result to export: a platform's filesystem and image config.
struct PlatformResult {
  std::string platform;  // "linux/amd64"
  snapshot::FsRef fs;
  std::string image_config;  // JSON
  // Of the base image, as it was; "" without one.
  std::string base_image_config;
  // The serialised pb.Definition that gave `fs`, by which caches and attestations find what it was made of; "" for
  // scratch and for what no build made.
  std::string definition;
  FrontendRequest request;
  // May be null.
  std::shared_ptr<const FrontendSources> sources;
  ScanExtras scan;
  std::vector<exporter::Attestation> attestations;
};

struct ExportRequest {
  // "image", "oci", "docker", "local", "tar"
  std::string type;
  std::map<std::string, std::string> attributes;
  // An index (or a directory a platform) even for one platform.
  bool multi_platform = false;
  // The frontend's metadata as far as exporters read it ("source.date.epoch", annotations).
  std::map<std::string, std::string> metadata;
  // Where `dest=-` writes; stays open.
  int output_fd = 1;
  // Told the response of an image archive before its first byte is written; may be null.
  std::function<void(const std::map<std::string, std::string>&)> announce;
  // Images carry their cache in their config (cache export of type "inline").
  bool inline_cache = false;
};

class EngineState;
class JobState;

// One build. Everything it started is cancelled when it is destroyed. Thread-safe.
class Job {
 public:
  ~Job();
  Job(Job&&) noexcept;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Solves the definition's result (the input of its last op). An empty definition is scratch.
  [[nodiscard]] Result<snapshot::FsRef> Solve(const pb::Definition& definition, std::stop_token stop);
  // Several serialised pb.Definitions at once, in parallel, sharing what is equal. `policies`: serialised
  // sourcepolicy.Policy messages of whoever asks, beside those of the build.
  [[nodiscard]] Result<std::vector<snapshot::FsRef>> SolveAll(std::span<const std::string_view> definitions,
                                                              std::stop_token stop,
                                                              std::span<const std::string> policies = {});
  // With these caches instead of JobOptions::cache_imports.
  [[nodiscard]] Result<std::vector<snapshot::FsRef>> SolveAll(std::span<const std::string_view> definitions,
                                                              std::span<const CacheEntry> imports, std::stop_token stop,
                                                              std::span<const std::string> policies = {});

  // The pinned digest and the config of an image; remembered for the job.
  [[nodiscard]] Result<ResolvedImage> ResolveImage(const ImageRequest& request, std::stop_token stop);

  // Facts of an image, git or HTTP source, as the gateway API asks for them.
  [[nodiscard]] Result<> ResolveSourceMeta(const moby::buildkit::v1::frontend::ResolveSourceMetaRequest& request,
                                           moby::buildkit::v1::frontend::ResolveSourceMetaResponse& response,
                                           std::stop_token stop);

  // The time of a git or HTTP source (SourceInstance::Time), as the job's own steps see that source. `log_name` is the
  // progress vertex that shows the work.
  [[nodiscard]] Result<std::optional<std::int64_t>> SourceTime(const source::SourceRequest& source,
                                                               const std::string& log_name, std::stop_token stop);
  // Files and facts of a commit; shown as a progress vertex of that name.
  [[nodiscard]] Result<source::GitTree> FetchGitTree(const source::GitTreeRequest& request, const std::string& log_name,
                                                     std::stop_token stop);

  // A read-only view of a result, for reading files of it; see MountedFs about results that are host directories.
  [[nodiscard]] Result<snapshot::MountedFs> Mount(const snapshot::FsRef& fs, std::stop_token stop);

  // A container for a frontend of the build; the job and the engine outlive it.
  [[nodiscard]] Result<std::unique_ptr<ops::FrontendContainer>> NewContainer(ops::ContainerOptions options,
                                                                             std::stop_token stop);

  // Runs an exporter; gives its response, named as BuildKit names it ("containerimage.digest", …).
  [[nodiscard]] Result<std::map<std::string, std::string>> Export(std::span<const PlatformResult> results,
                                                                  const ExportRequest& request, std::stop_token stop);

  // Writes what the results were made of to a cache; gives what its client is told ("cache.manifest"). A type or
  // attribute that cannot be is kInvalidArgument or kNotFound; CheckCacheExport says so before the build.
  [[nodiscard]] Result<std::map<std::string, std::string>> ExportCache(std::span<const PlatformResult> results,
                                                                       const CacheEntry& entry, std::stop_token stop);
  [[nodiscard]] Result<> CheckCacheExport(const CacheEntry& entry) const;

  // Adds the attestations that `options` ask for as BuildKit's clients do ("attest:provenance", "attest:sbom", and the
  // build args BUILDKIT_ATTEST_…). kInvalidArgument for an option that is wrong.
  [[nodiscard]] Result<> Attest(std::vector<PlatformResult>& results, const std::map<std::string, std::string>& options,
                                std::stop_token stop);

  // The request that made `definition`, which this job solved, with what it took from elsewhere.
  [[nodiscard]] Result<provenance::RequestPtr> Describe(const FrontendRequest& request, const std::string& definition);
  // The provenance of each result, whole (SLSA v1, mode max), as the build history keeps it. `options` as Attest.
  [[nodiscard]] Result<std::vector<std::string>> HistoryProvenance(std::span<const PlatformResult> results,
                                                                   const std::map<std::string, std::string>& options);

  // Runs `body` as a progress vertex of its own ("exporting to image", "[internal] load build definition").
  [[nodiscard]] Result<> Step(const std::string& name, const std::function<Result<>(solver::ProgressWriter&)>& body);

  [[nodiscard]] bool is_plan() const;
  // Of a job that plans: its steps so far, as a build that ran what is not cached.
  [[nodiscard]] Result<BuildRecord> Plan() const;

  // The vertex, when it runs, has the client's terminal; call it before the vertex is solved.
  void LendTerminal(const Digest& vertex, std::shared_ptr<ops::TerminalLender> terminal);
  // A process where a failed step was: its filesystems as it left them, its environment, mounts and secrets; blocks,
  // and gives its exit code. kNotFound if `failure` is not that of a process that ran in this job.
  [[nodiscard]] Result<int> RunInFailedStep(const Error& failure, std::vector<std::string> args,
                                            ops::TerminalLender& terminal, std::stop_token stop);

  // A warning about a vertex, from whoever made it.
  void Warn(solver::WarningEvent warning);

  // Writes the build's record for `loam why`; call it once, at the end, also of a failed build.
  [[nodiscard]] Result<> Finish(const std::optional<Error>& failure);

  [[nodiscard]] std::shared_ptr<JobState> state() const { return state_; }

 private:
  friend class Engine;
  explicit Job(std::shared_ptr<JobState> state);
  std::shared_ptr<JobState> state_;
};

class Engine {
 public:
  // Removes what dead processes left behind. kFailedPrecondition with a hint if the root cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<Engine>> Open(EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] const std::string& root() const;
  [[nodiscard]] Job StartJob(JobOptions options);

  // What the snapshotter is and, if it is not overlayfs, why: "native copy: the file system of /x does not support …".
  [[nodiscard]] std::string DescribeSnapshotter() const;
  [[nodiscard]] source::ImageStore& images();
  [[nodiscard]] const cdi::Devices& devices() const;
  [[nodiscard]] const content::ContentStore& content() const;

  // The newest builds, newest first.
  [[nodiscard]] Result<std::vector<BuildRecord>> Builds(std::size_t limit) const;

  [[nodiscard]] Result<std::vector<DiskUsageEntry>> DiskUsage() const;
  [[nodiscard]] Result<PruneReport> Prune(const PruneOptions& options);

  // The same for daemons: whole units, by rules, while builds run. kUnavailable if another process uses the root.
  [[nodiscard]] Result<std::vector<CacheUnit>> CacheUnits() const;
  // Applies one rule after the other; `removed` sees what went. kCanceled on stop: the state is whole, and what is not
  // removed yet is left to the next call.
  [[nodiscard]] Result<> PruneCache(std::span<const PruneRule> rules,
                                    const std::function<void(const CacheUnit&)>& removed,
                                    const std::stop_token& stop = {});
  // More units to show and prune; before the first build.
  void AddCacheArea(std::unique_ptr<CacheArea> area);
  // What was built until now survives a power cut.
  [[nodiscard]] Result<> Sync();

  // The parts, for the rest of this folder.
  [[nodiscard]] EngineState& state() const { return *state_; }

 private:
  explicit Engine(std::shared_ptr<EngineState> state);
  std::shared_ptr<EngineState> state_;
};

}  // namespace loam::engine
