#include "runtime-executor/engine/job_state.h"

#include <fmt/format.h>

#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/engine/build_record_codec.h"
#include "runtime-executor/engine/llb_graph.h"
#include "runtime-executor/engine/source_policy.h"
#include "runtime-executor/ops/exec_cache_mount.h"
#include "runtime-executor/ops/failed_step.h"
#include "runtime-executor/ops/fs_result.h"
#include "runtime-executor/ops/op_failure.h"
#include "runtime-executor/ops/proxy_recorder.h"

namespace loam::engine {

namespace {

// Adds the lines that the failed vertex comes from, where the definitions tell them.
Error WithLocations(Error error, std::span<const std::string_view> definitions) {
  const auto* const failed = error.Detail<solver::VertexErrorDetail>();
  if (failed == nullptr || error.Detail<ops::SourceLocationDetail>() != nullptr) {
    return error;
  }
  const std::string digest = failed->digest.ToString();
  for (const std::string_view bytes : definitions) {
    pb::Definition definition;
    if (!definition.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      continue;
    }
    const auto found = definition.source().locations().find(digest);
    if (found == definition.source().locations().end()) {
      continue;
    }
    for (const pb::Location& location : found->second.locations()) {
      if (location.sourceindex() >= 0 && location.sourceindex() < definition.source().infos_size()) {
        error = ops::WithOuterDetail<ops::SourceLocationDetail>(
            std::move(error), definition.source().infos(location.sourceindex()),
            std::vector<pb::Range>(location.ranges().begin(), location.ranges().end()));
      }
    }
    break;
  }
  return error;
}

using ImportList = std::vector<std::shared_ptr<const solver::CacheImport>>;

// `renew` is told the cache mounts that begin empty.
Result<std::vector<snapshot::FsRef>> SolveDefinitions(
    solver::Job& job, std::span<const std::string_view> definitions, const ImportList& imports,
    const std::stop_token& stop, const std::function<Result<>(const std::set<std::string>&)>& renew) {
  const LlbGraph llb = LOAM_TRY(ReadLlbGraph(definitions, imports));
  if (!llb.renewed_cache_mounts.empty()) {
    LOAM_TRY(renew(llb.renewed_cache_mounts));
  }
  std::vector<solver::Edge> edges;
  for (const auto& edge : llb.results) {
    if (edge) {
      edges.push_back(*edge);
    }
  }
  std::vector<solver::ResultPtr> results;
  if (!edges.empty()) {
    Result<std::vector<solver::ResultPtr>> solved = job.Solve(llb.graph, edges, stop);
    if (!solved) {
      return Unexpected(WithLocations(std::move(solved).error(), definitions));
    }
    results = *std::move(solved);
  }
  std::vector<snapshot::FsRef> filesystems;
  auto next = results.begin();
  for (const auto& edge : llb.results) {
    filesystems.push_back(edge && !IsPlanned(*next) ? ops::FsOf(*next) : snapshot::FsRef());
    next += edge ? 1 : 0;
  }
  return filesystems;
}

}  // namespace

// What ops see of the job; lives as long as an op needs it.
class JobState::Services final : public ops::JobServices, public ops::ProxyRecorder {
 public:
  explicit Services(const JobOptions& options)
      : client_(options.client),
        entitlements_(options.entitlements),
        proxies_(options.step_proxies),
        on_usage_(options.on_usage) {}

  session::ClientServices& client() override { return *client_; }
  [[nodiscard]] const ops::Entitlements& entitlements() const override { return entitlements_; }

  [[nodiscard]] ops::StepProxies* proxies() override { return proxies_; }
  Result<bool> ApplyPolicy(pb::Op& source, std::stop_token stop) override {
    std::shared_ptr<JobState> state;
    {
      const std::lock_guard lock(mutex_);
      state = state_.lock();
    }
    if (state == nullptr) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    return state->ApplyPolicy(source, {}, false, std::move(stop));
  }

  Result<snapshot::FsRef> Solve(const pb::Definition& definition, std::stop_token stop) override {
    std::shared_ptr<solver::Job> job;
    {
      const std::lock_guard lock(mutex_);
      job = job_.lock();
    }
    if (job == nullptr) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    // Ends with the op or with the job, whatever comes first.
    std::stop_source either;
    const std::stop_callback by_op(stop, [&] { either.request_stop(); });
    const std::stop_callback by_job(ended_.get_token(), [&] { either.request_stop(); });
    const std::string bytes = definition.SerializeAsString();
    const std::string_view view = bytes;
    std::list<std::string> changed;
    const auto state = state_.lock();
    if (state == nullptr) {
      return Unexpected(ErrorCode::kCanceled, "context canceled");
    }
    const auto definitions = LOAM_TRY(state->ApplyPolicies(std::span(&view, 1), {}, changed, either.get_token()));
    return LOAM_TRY(SolveDefinitions(*job, definitions, {}, either.get_token(),
                                     [&](const auto& ids) { return state->RenewCacheMounts(ids); }))
        .front();
  }

  std::shared_ptr<ops::TerminalLender> terminal(const Digest& vertex) override {
    const std::lock_guard lock(mutex_);
    const auto found = terminals_.find(vertex);
    return found == terminals_.end() ? nullptr : found->second;
  }
  void LendTerminal(const Digest& vertex, std::shared_ptr<ops::TerminalLender> terminal) {
    const std::lock_guard lock(mutex_);
    terminals_[vertex] = std::move(terminal);
  }

  void OnUsage(const Digest& vertex, const std::string& name, const ops::StepUsage& usage) override {
    if (on_usage_) {
      on_usage_(vertex, name, usage);
    }
  }

  void OnProxied(const Digest& vertex, ops::ProxyTraffic traffic) override {
    std::shared_ptr<JobState> state;
    {
      const std::lock_guard lock(mutex_);
      state = state_.lock();
    }
    if (state != nullptr) {
      const std::lock_guard lock(state->resolved_mutex_);
      state->proxied_[vertex] = std::move(traffic);
    }
  }

  void SetJob(std::weak_ptr<solver::Job> job, std::weak_ptr<JobState> state) {
    const std::lock_guard lock(mutex_);
    job_ = std::move(job);
    state_ = std::move(state);
  }
  void End() { ended_.request_stop(); }

 private:
  const std::shared_ptr<session::ClientServices> client_;
  const ops::Entitlements entitlements_;
  ops::StepProxies* const proxies_;
  const decltype(JobOptions::on_usage) on_usage_;
  std::stop_source ended_;
  std::mutex mutex_;  // guards what follows
  std::weak_ptr<solver::Job> job_;
  std::unordered_map<Digest, std::shared_ptr<ops::TerminalLender>> terminals_;
  std::weak_ptr<JobState> state_;
};

JobState::JobState(std::shared_ptr<EngineState> engine, JobOptions options)
    : engine_(std::move(engine)), options_(std::move(options)), started_(engine_->clock.Now()) {}

std::shared_ptr<JobState> JobState::Start(std::shared_ptr<EngineState> engine, JobOptions options) {
  engine->jobs.Enter();
  // Those of builds before, whose last steps ended after their build.
  engine->checksums->ReleaseHostTrees();
  std::shared_ptr<JobState> state(new JobState(std::move(engine), std::move(options)));
  state->services_ = std::make_shared<Services>(state->options_);
  if (state->options_.plan) {
    state->plan_ = std::make_unique<PlanSolver>(*state->engine_);
  }
  solver::Solver& solver = state->plan_ != nullptr ? state->plan_->solver() : *state->engine_->solver;
  state->solver_job_ = solver.NewJob({state->services_, state->options_.progress});
  state->services_->SetJob(state->solver_job_, state);
  return state;
}

void JobState::End() {
  services_->End();
  solver_job_.reset();
  engine_->checksums->ReleaseHostTrees();
  engine_->jobs.Leave();
}

Result<std::vector<snapshot::FsRef>> JobState::SolveAll(std::span<const std::string_view> definitions,
                                                        std::span<const CacheEntry> imports, std::stop_token stop,
                                                        std::span<const std::string> policies) {
  std::list<std::string> changed;
  const auto allowed = LOAM_TRY(ApplyPolicies(definitions, policies, changed, stop));
  return SolveDefinitions(*solver_job_, allowed, LOAM_TRY(Imports(imports, stop)), stop,
                          [this](const auto& ids) { return RenewCacheMounts(ids); });
}

Result<> JobState::RenewCacheMounts(const std::set<std::string>& ids) {
  if (is_plan()) {
    return {};
  }
  for (const std::string& id : ids) {
    {
      const std::lock_guard lock(renewed_mutex_);
      if (!renewed_.insert(id).second) {
        continue;
      }
    }
    LOAM_TRY(ops::CacheMount::RemoveAllOf(engine_->options.root + "/cache-mounts", id));
  }
  return {};
}

Result<bool> JobState::ApplyPolicy(pb::Op& op, std::span<const std::string> more, bool rules_only,
                                   std::stop_token stop) {
  SourcePolicy policy(options_.policy, more, [&](const auto& request, auto& response) {
    return ResolveSourceMeta(request, response, false, stop);
  });
  return policy.empty() ? Result<bool>(false) : policy.Apply(op, stop, rules_only);
}

Result<std::vector<std::string_view>> JobState::ApplyPolicies(std::span<const std::string_view> definitions,
                                                              std::span<const std::string> more,
                                                              std::list<std::string>& changed,
                                                              const std::stop_token& stop) {
  std::vector<std::string_view> result(definitions.begin(), definitions.end());
  SourcePolicy policy(options_.policy, more, [&](const auto& request, auto& response) {
    return ResolveSourceMeta(request, response, false, stop);
  });
  if (policy.empty()) {
    return result;
  }
  // A client may want to see other sources before it decides about one.
  constexpr std::size_t kAskedAtOnce = 32;
  const std::size_t parallelism = policy.asks() ? kAskedAtOnce : 1;
  for (std::string_view& definition : result) {
    const auto apply = [&](pb::Op& op) { return policy.Apply(op, stop); };
    if (auto rewritten = LOAM_TRY_CONTEXT("failed to load LLB", RewriteSources(definition, apply, parallelism))) {
      definition = changed.emplace_back(*std::move(rewritten));
    }
  }
  return result;
}

Result<std::vector<solver::CacheGraphNode>> JobState::GraphOf(const std::string& definition) const {
  if (definition.empty()) {
    return std::vector<solver::CacheGraphNode>();
  }
  const std::string_view view = definition;
  const LlbGraph llb = LOAM_TRY(ReadLlbGraph(std::span(&view, 1), {}));
  if (!llb.results.front()) {
    return std::vector<solver::CacheGraphNode>();
  }
  return solver_job_->CacheGraph(*llb.results.front());
}

Result<snapshot::MountedFs> JobState::Mount(const snapshot::FsRef& fs, std::stop_token stop) {
  return engine_->layers->Mount(fs, std::move(stop));
}

Result<> JobState::Step(const std::string& name, const std::function<Result<>(solver::ProgressWriter&)>& body) {
  const auto graph = std::make_shared<solver::Graph>();
  solver::Vertex vertex;
  // Unique among the steps that a client may see.
  vertex.digest =
      Digest::Of(fmt::format("{}|{}|{}", name, started_.time_since_epoch().count(), next_step_.fetch_add(1)));
  vertex.name = name;
  const solver::Vertex* added = graph->Add(std::move(vertex));
  solver::VertexChannel channel(graph, *added, engine_->clock);
  channel.Join(std::make_shared<const solver::JobParts>(solver::JobParts{0, services_, options_.progress}));
  channel.Started();
  Result<> result = body(channel);
  channel.Completed(false, result ? "" : result.error().message());
  return result;
}

Result<ResolvedImage> JobState::ResolveImage(const ImageRequest& request, std::stop_token stop) {
  if (options_.policy.rules.empty() && !options_.policy.ask && request.policies.empty()) {
    return ResolveImageAsItIs(request, std::move(stop));
  }
  const std::string scheme = request.oci_store_id.empty() ? "docker-image://" : "oci-layout://";
  pb::Op op;
  op.mutable_source()->set_identifier(scheme + request.ref);
  if (request.platform) {
    op.mutable_platform()->set_os(request.platform->os);
    op.mutable_platform()->set_architecture(request.platform->architecture);
    op.mutable_platform()->set_variant(request.platform->variant);
  }
  LOAM_TRY_CONTEXT("could not resolve image due to policy", ApplyPolicy(op, request.policies, false, stop));
  ImageRequest allowed = request;
  const std::string& identifier = op.source().identifier();
  if (!identifier.starts_with(scheme)) {
    return Unexpected(Error(ErrorCode::kInvalidArgument,
                            fmt::format("could not resolve image due to policy: {} is no image", identifier))
                          .WithDetail(std::make_shared<const ImageReplacedDetail>(identifier)));
  }
  allowed.ref = identifier.substr(scheme.size());
  return ResolveImageAsItIs(allowed, std::move(stop));
}

Result<ResolvedImage> JobState::ResolveImageAsItIs(const ImageRequest& request, std::stop_token stop) {
  std::call_once(images_made_, [this] {
    images_ = std::make_unique<source::ImageConfigs>(engine_->ImageOptions(), options_.client);
  });
  source::ImageConfigRequest query;
  query.reference = request.ref;
  query.platform = request.platform;
  query.mode = LOAM_TRY(source::ParseResolveMode(request.resolve_mode));
  query.oci_store_id = request.oci_store_id;
  ResolvedImage image;
  const auto resolve = [&]() -> Result<> {
    source::ResolvedImageConfig resolved = LOAM_TRY(images_->Resolve(query, stop));
    image.digest = resolved.digest.ToString();
    {
      const std::lock_guard lock(resolved_mutex_);
      resolved_.push_back({resolved.reference, request.platform, image.digest, !request.oci_store_id.empty()});
    }
    image.pinned_ref = resolved.reference + "@" + image.digest;
    image.config = std::move(resolved.config);
    return {};
  };
  if (request.log_name.empty()) {
    LOAM_TRY(resolve());
  } else {
    LOAM_TRY(Step(request.log_name, [&](solver::ProgressWriter&) { return resolve(); }));
  }
  return image;
}

source::SourceContext JobState::Surroundings(solver::ProgressWriter& progress, std::stop_token stop) const {
  return {std::shared_ptr<session::ClientServices>(services_, &services_->client()), &progress, std::move(stop)};
}

Result<std::optional<std::int64_t>> JobState::SourceTime(const source::SourceRequest& source,
                                                         const std::string& log_name, std::stop_token stop) {
  const auto instance = LOAM_TRY(engine_->sources.Open(source));
  std::optional<std::int64_t> time;
  LOAM_TRY(Step(log_name, [&](solver::ProgressWriter& progress) -> Result<> {
    source::SourceContext surroundings = Surroundings(progress, stop);
    time = LOAM_TRY(instance->Time(surroundings));
    return {};
  }));
  return time;
}

Result<source::GitTree> JobState::FetchGitTree(const source::GitTreeRequest& request, const std::string& log_name,
                                               std::stop_token stop) {
  source::GitTree tree;
  LOAM_TRY(Step(log_name, [&](solver::ProgressWriter& progress) -> Result<> {
    source::SourceContext surroundings = Surroundings(progress, stop);
    tree = LOAM_TRY(engine_->git->FetchTree(request, surroundings));
    return {};
  }));
  return tree;
}

Result<std::unique_ptr<ops::FrontendContainer>> JobState::NewContainer(ops::ContainerOptions options,
                                                                       std::stop_token stop) {
  return ops::FrontendContainer::Create(engine_->resolver->environment(), services_, std::move(options),
                                        std::move(stop));
}

Result<BuildRecord> JobState::Plan() const {
  if (plan_ == nullptr) {
    return Unexpected(ErrorCode::kInternal, "the job is no plan");
  }
  BuildRecord record;
  record.title = options_.title;
  record.build_key = options_.build_key;
  record.started = started_;
  record.completed = engine_->clock.Now();
  record.steps = solver_job_->Report();
  for (const solver::StepReport& step : record.steps) {
    for (const auto& input : step.inputs) {
      if (input.content.empty() || record.contents.contains(input.content)) {
        continue;
      }
      if (auto preimage = LOAM_TRY(plan_->storage().ContentPreimage(input.content))) {
        record.contents.emplace(input.content, std::make_shared<const solver::Preimage>(*std::move(preimage)));
      }
    }
  }
  return record;
}

void JobState::LendTerminal(const Digest& vertex, std::shared_ptr<ops::TerminalLender> terminal) {
  services_->LendTerminal(vertex, std::move(terminal));
}

Result<int> JobState::RunInFailedStep(const Error& failure, std::vector<std::string> args,
                                      ops::TerminalLender& terminal, std::stop_token stop) {
  const auto* const vertex = failure.Detail<solver::VertexErrorDetail>();
  return ops::RunInFailedStep(failure, vertex != nullptr ? vertex->name : "the failed step", std::move(args),
                              engine_->resolver->environment(), services_, terminal, std::move(stop));
}

Result<> JobState::Finish(const std::optional<Error>& failure) {
  cache::BuildRow row;
  row.title = options_.title;
  row.build_key = options_.build_key;
  row.started = started_;
  row.completed = engine_->clock.Now();
  row.error = failure ? failure->message() : "";
  const std::vector<solver::StepReport> steps = solver_job_->Report();
  for (const solver::StepReport& step : steps) {
    for (const auto& input : step.inputs) {
      if (!input.content.empty()) {
        row.contents.push_back(input.content);
      }
    }
  }
  row.data = EncodeSteps(steps);
  return engine_->records->AddBuild(row);
}

Job::Job(std::shared_ptr<JobState> state) : state_(std::move(state)) {}
Job::Job(Job&&) noexcept = default;
Job::~Job() {
  if (state_ != nullptr) {
    state_->End();
  }
}

Result<snapshot::FsRef> Job::Solve(const pb::Definition& definition, std::stop_token stop) {
  const std::string bytes = definition.SerializeAsString();
  const std::string_view view = bytes;
  return LOAM_TRY(SolveAll(std::span(&view, 1), std::move(stop))).front();
}

Result<std::vector<snapshot::FsRef>> Job::SolveAll(std::span<const std::string_view> definitions, std::stop_token stop,
                                                   std::span<const std::string> policies) {
  return state_->SolveAll(definitions, state_->options().cache_imports, std::move(stop), policies);
}

Result<std::vector<snapshot::FsRef>> Job::SolveAll(std::span<const std::string_view> definitions,
                                                   std::span<const CacheEntry> imports, std::stop_token stop,
                                                   std::span<const std::string> policies) {
  return state_->SolveAll(definitions, imports, std::move(stop), policies);
}

Result<> Job::ResolveSourceMeta(const moby::buildkit::v1::frontend::ResolveSourceMetaRequest& request,
                                moby::buildkit::v1::frontend::ResolveSourceMetaResponse& response,
                                std::stop_token stop) {
  return state_->ResolveSourceMeta(request, response, true, std::move(stop));
}

Result<std::map<std::string, std::string>> Job::ExportCache(std::span<const PlatformResult> results,
                                                            const CacheEntry& entry, std::stop_token stop) {
  return state_->ExportCache(results, entry, std::move(stop));
}

Result<> Job::Attest(std::vector<PlatformResult>& results, const std::map<std::string, std::string>& options,
                     std::stop_token stop) {
  return state_->Attest(results, options, std::move(stop));
}

Result<provenance::RequestPtr> Job::Describe(const FrontendRequest& request, const std::string& definition) {
  return state_->Describe(request, definition);
}

Result<std::vector<std::string>> Job::HistoryProvenance(std::span<const PlatformResult> results,
                                                        const std::map<std::string, std::string>& options) {
  return state_->HistoryProvenance(results, options);
}

Result<> Job::CheckCacheExport(const CacheEntry& entry) const {
  return state_->CheckCacheExport(entry);
}

Result<snapshot::MountedFs> Job::Mount(const snapshot::FsRef& fs, std::stop_token stop) {
  return state_->Mount(fs, std::move(stop));
}

Result<ResolvedImage> Job::ResolveImage(const ImageRequest& request, std::stop_token stop) {
  return state_->ResolveImage(request, std::move(stop));
}

Result<std::optional<std::int64_t>> Job::SourceTime(const source::SourceRequest& source, const std::string& log_name,
                                                    std::stop_token stop) {
  return state_->SourceTime(source, log_name, std::move(stop));
}

Result<source::GitTree> Job::FetchGitTree(const source::GitTreeRequest& request, const std::string& log_name,
                                          std::stop_token stop) {
  return state_->FetchGitTree(request, log_name, std::move(stop));
}

Result<std::unique_ptr<ops::FrontendContainer>> Job::NewContainer(ops::ContainerOptions options, std::stop_token stop) {
  return state_->NewContainer(std::move(options), std::move(stop));
}

Result<std::map<std::string, std::string>> Job::Export(std::span<const PlatformResult> results,
                                                       const ExportRequest& request, std::stop_token stop) {
  return state_->Export(results, request, std::move(stop));
}

Result<> Job::Step(const std::string& name, const std::function<Result<>(solver::ProgressWriter&)>& body) {
  return state_->Step(name, body);
}

bool Job::is_plan() const {
  return state_->is_plan();
}

Result<BuildRecord> Job::Plan() const {
  return state_->Plan();
}

void Job::LendTerminal(const Digest& vertex, std::shared_ptr<ops::TerminalLender> terminal) {
  state_->LendTerminal(vertex, std::move(terminal));
}

Result<int> Job::RunInFailedStep(const Error& failure, std::vector<std::string> args, ops::TerminalLender& terminal,
                                 std::stop_token stop) {
  return state_->RunInFailedStep(failure, std::move(args), terminal, std::move(stop));
}

void Job::Warn(solver::WarningEvent warning) {
  state_->Warn(std::move(warning));
}

Result<> Job::Finish(const std::optional<Error>& failure) {
  return state_->Finish(failure);
}

}  // namespace loam::engine
