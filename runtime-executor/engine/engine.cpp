#include "runtime-executor/engine/engine.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>

#include "runtime-executor/engine/build_record_codec.h"
#include "runtime-executor/engine/engine_state.h"
#include "runtime-executor/engine/job_state.h"
#include "runtime-executor/session/local_client_services.h"
#include "runtime-executor/source/blob/blob_source.h"
#include "runtime-executor/source/http/http_source.h"
#include "runtime-executor/source/local/local_source.h"
#include "runtime-executor/worker/cgroup.h"
#include "runtime-executor/worker/limited_worker.h"

namespace loam::engine {
namespace {

// Interrupted downloads are kept this long for resuming.
constexpr std::chrono::hours kKeepPartialDownloads{24 * 7};

Result<std::optional<snapshot::SnapshotterKind>> ParseSnapshotter(const std::string& name) {
  if (name.empty()) {
    return std::optional<snapshot::SnapshotterKind>();
  }
  if (name == "overlay" || name == "overlayfs") {
    return std::optional(snapshot::SnapshotterKind::kOverlay);
  }
  if (name == "native") {
    return std::optional(snapshot::SnapshotterKind::kNative);
  }
  return Unexpected(Error(ErrorCode::kInvalidArgument, fmt::format("unknown snapshotter `{}`", name))
                        .WithHint("use overlay or native"));
}

Result<> PrepareRoot(const std::string& root) {
  Result<> made = MakeDirs(root, 0711);
  if (!made) {
    return Unexpected(std::move(made)
                          .error()
                          .Wrap("the state root cannot be used")
                          .WithHint("choose another directory by --root, or run as a user who may write there"));
  }
  if (::access(root.c_str(), W_OK | X_OK) != 0) {
    return Unexpected(Error(ErrorCode::kPermissionDenied, fmt::format("the state root {} is not writable", root))
                          .WithHint("choose another directory by --root, or run as root"));
  }
  return {};
}

// The first process there removes what dead ones left; then everybody shares the lock.
Result<bool> LockRoot(EngineState& state) {
  const std::string path = state.options.root + "/lock";
  state.lock = LOAM_TRY(FileLock::TryAcquire(path, FileLock::Mode::kExclusive));
  if (state.lock) {
    return true;
  }
  state.lock = LOAM_TRY(FileLock::Acquire(path, FileLock::Mode::kShared));
  return false;
}

}  // namespace

std::string DefaultRoot() {
  if (::geteuid() == 0) {
    return "/var/lib/loam";
  }
  const char* data = std::getenv("XDG_DATA_HOME");
  if (data != nullptr && *data != '\0') {
    return std::string(data) + "/loam";
  }
  const char* home = std::getenv("HOME");
  return (home != nullptr ? std::string(home) : std::string("/tmp")) + "/.local/share/loam";
}

Result<std::shared_ptr<EngineState>> EngineState::Open(EngineOptions engine_options) {
  const auto state = std::make_shared<EngineState>();
  state->options = std::move(engine_options);
  std::string& root = state->options.root;
  if (root.empty()) {
    root = DefaultRoot();
  }
  const auto snapshotter = LOAM_TRY(ParseSnapshotter(state->options.snapshotter));
  LOAM_TRY(PrepareRoot(root));
  const bool alone = LOAM_TRY(LockRoot(*state));

  state->content = LOAM_TRY(content::ContentStore::Open(root + "/content"));
  state->images = LOAM_TRY(source::ImageStore::Open(root + "/images.db", *state->content));
  registry::RegistryOptions registry;
  registry.hosts = state->options.registry_hosts;
  if (state->options.registry_transfers > 0) {
    registry.parallel_transfers = state->options.registry_transfers;
  }
  state->registry = std::make_unique<registry::RegistryClient>(std::move(registry));
  state->http = std::make_unique<registry::HttpClient>(registry::HttpOptions{.user_agent = "loam"});
  snapshot::LayerStoreOptions layers;
  layers.root = root;
  layers.snapshotter = snapshotter;
  layers.remove_leftovers = alone;
  state->layers = LOAM_TRY(snapshot::LayerStore::Open(std::move(layers)));
  state->layers->SetLazyOpener(source::MakeLazyLayerOpener(state->ImageOptions()));
  state->records = LOAM_TRY(cache::RecordStore::Open(root + "/cache.db", state->clock));
  state->checksums = LOAM_TRY(cache::ChecksumCache::Open(
      *state->layers, {.index_dir = root + "/checksums", .on_read = state->options.on_context_read}));
  state->sources.Register(source::MakeImageSource(state->ImageOptions()));
  state->sources.Register(source::MakeOciLayoutSource(state->ImageOptions()));
  state->sources.Register(source::MakeLocalSource());
  const std::string tmp = root + "/tmp";
  state->source_index = LOAM_TRY(source::SourceIndex::Open(root + "/sources.db", *state->layers));
  auto git = source::MakeGitSource({.mirrors_dir = root + "/git",
                                    .tmp_dir = tmp,
                                    .layers = state->layers.get(),
                                    .index = state->source_index.get(),
                                    .registry = state->registry.get(),
                                    .ssh_command = state->options.git_ssh_command});
  state->git = git.get();
  state->sources.Register(std::move(git));
  state->sources.Register(
      source::MakeBlobSource({.tmp_dir = tmp, .layers = state->layers.get(), .registry = state->registry.get()}));
  state->sources.Register(
      source::MakeHttpSource({.tmp_dir = tmp, .layers = state->layers.get(), .index = state->source_index.get()}));

  if (alone) {
    LOAM_TRY(RemoveTree(tmp));
    worker::RemoveStaleCgroups(worker::DetectCgroups(), worker::WorkerOptions().cgroup_parent);
    LOAM_TRY(state->content->RemoveStaleIngests(kKeepPartialDownloads));
    LOAM_TRY(state->lock->Downgrade());
  }
  LOAM_TRY(MakeDirs(tmp, 0700));
  ops::OpEnvironment environment;
  environment.clock = &state->clock;
  environment.content = state->content.get();
  environment.layers = state->layers.get();
  environment.checksums = state->checksums.get();
  environment.sources = &state->sources;
  environment.devices = &state->devices.emplace(state->options.devices);
  environment.worker = [raw = state.get()] { return raw->Worker(); };
  environment.cache_mounts_dir = root + "/cache-mounts";
  environment.tmp_dir = tmp;
  state->results = std::make_unique<LayerResultStore>(*state->layers);
  state->resolver = std::make_unique<ops::LlbOpResolver>(std::move(environment));
  state->solver = std::make_unique<solver::Solver>(solver::SolverOptions{
      state->resolver.get(), state->records.get(), state->results.get(), &state->pool, &state->clock});
  return state;
}

source::ImageSourceOptions EngineState::ImageOptions() {
  return {content.get(), layers.get(), registry.get(), images.get(), session::MakeDockerConfigAuth("")};
}

Result<worker::Worker*> EngineState::Worker() {
  const std::lock_guard guard(worker_mutex_);
  if (!worker_) {
    worker::WorkerOptions wanted;
    wanted.state_dir = options.root + "/worker";
    wanted.runtime = options.runtime;
    wanted.dns = options.dns;
    wanted.networks = options.networks;
    if (!options.cgroup_parent.empty()) {
      wanted.cgroup_parent = options.cgroup_parent;
    }
    worker_ = worker::Worker::Open(std::move(wanted));
    if (*worker_ && options.max_parallel_steps > 0) {
      worker_ = worker::LimitRuns(std::move(**worker_), options.max_parallel_steps);
    }
  }
  if (!*worker_) {
    return Unexpected(worker_->error());
  }
  return (**worker_).get();
}

Engine::Engine(std::shared_ptr<EngineState> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::Open(EngineOptions options) {
  std::shared_ptr<EngineState> state = LOAM_TRY(EngineState::Open(std::move(options)));
  return std::unique_ptr<Engine>(new Engine(std::move(state)));
}

const std::string& Engine::root() const {
  return state_->options.root;
}
std::string Engine::DescribeSnapshotter() const {
  return state_->layers->kind_reason();
}
source::ImageStore& Engine::images() {
  return *state_->images;
}
const content::ContentStore& Engine::content() const {
  return *state_->content;
}

const cdi::Devices& Engine::devices() const {
  return *state_->devices;
}

Job Engine::StartJob(JobOptions options) {
  return Job(JobState::Start(state_, std::move(options)));
}

Result<std::vector<BuildRecord>> Engine::Builds(std::size_t limit) const {
  std::vector<BuildRecord> builds;
  std::map<Digest, std::shared_ptr<const solver::Preimage>> known;
  for (cache::BuildRow& row : LOAM_TRY(state_->records->Builds("", limit))) {
    BuildRecord build;
    build.id = row.id;
    build.title = std::move(row.title);
    build.build_key = std::move(row.build_key);
    build.started = row.started;
    build.completed = row.completed;
    build.error = std::move(row.error);
    build.steps = LOAM_TRY(DecodeSteps(row.data));
    for (const solver::StepReport& step : build.steps) {
      for (const auto& input : step.inputs) {
        if (input.content.empty()) {
          continue;
        }
        auto found = known.find(input.content);
        if (found == known.end()) {
          auto preimage = LOAM_TRY(state_->records->ContentPreimage(input.content));
          found = known
                      .emplace(input.content,
                               preimage ? std::make_shared<const solver::Preimage>(std::move(*preimage)) : nullptr)
                      .first;
        }
        if (found->second != nullptr) {
          build.contents.emplace(input.content, found->second);
        }
      }
    }
    builds.push_back(std::move(build));
  }
  return builds;
}

}  // namespace loam::engine
