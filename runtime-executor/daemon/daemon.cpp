#include "runtime-executor/daemon/daemon.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include <fmt/format.h>

#include "base/digest.h"
#include "runtime-executor/daemon/client_dir_area.h"
#include "runtime-executor/daemon/provenance_environment.h"
#include "runtime-executor/daemon/registry_hosts.h"
#include "runtime-executor/daemon/usage_records.h"
#include "runtime-executor/daemon/worker_platforms.h"
#include "runtime-executor/proxy/step_proxies.h"
#include "runtime-executor/worker/cni/cni_networks.h"

namespace loam::daemon {
namespace {

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("localhost");
}

// Stable for a state root on a machine.
std::string WorkerId(const std::string& root) {
  return Digest::Of(HostName() + "\n" + root).Hex().substr(0, 25);
}

// 0 if it cannot be told.
std::int64_t DiskTotal(const std::string& path) {
  struct statvfs info {};
  return ::statvfs(path.c_str(), &info) == 0
             ? static_cast<std::int64_t>(info.f_blocks) * static_cast<std::int64_t>(info.f_frsize)
             : 0;
}

engine::EngineOptions EngineOptionsOf(const Config& config, const std::string& root) {
  engine::EngineOptions options;
  options.root = root;
  options.runtime = config.worker.binary;
  options.snapshotter = config.worker.snapshotter == "auto"        ? ""
                        : config.worker.snapshotter == "overlayfs" ? "overlay"
                                                                   : config.worker.snapshotter;
  options.registry_transfers = config.registry_concurrency;
  options.cgroup_parent = config.worker.cgroup_parent;
  options.max_parallel_steps = config.worker.max_parallelism;
  options.devices.auto_allowed = {config.cdi_auto_allowed.begin(), config.cdi_auto_allowed.end()};
  if (config.cdi_disabled) {
    options.devices.directories.clear();
  } else if (!config.cdi_spec_dirs.empty()) {
    options.devices.directories = config.cdi_spec_dirs;
  }
  if (config.dns) {
    options.dns = {config.dns->nameservers, config.dns->options, config.dns->search_domains};
  }
  return options;
}

// Null: steps have the host's.
Result<std::shared_ptr<worker::StepNetworks>> NetworksOf(const WorkerSettings& settings, const std::string& root) {
  const bool is_auto = settings.network == "auto";
  if (settings.network == "host" || (is_auto && access(settings.cni_config_path.c_str(), F_OK) != 0)) {
    return std::shared_ptr<worker::StepNetworks>();
  }
  worker::CniOptions options;
  options.state_dir = root + "/networks";
  if (settings.network != "bridge") {
    options.config_file = settings.cni_config_path;
  }
  options.plugin_directories = {"/opt/cni/bin", "/usr/lib/cni"};
  if (!settings.cni_binary_path.empty()) {
    options.plugin_directories = {settings.cni_binary_path};
  }
  options.pool_size = settings.cni_pool_size;
  if (!settings.bridge_name.empty()) {
    options.bridge_name = settings.bridge_name;
  }
  if (!settings.bridge_subnet.empty()) {
    options.bridge_subnet = settings.bridge_subnet;
  }
  return LOAM_TRY_CONTEXT(fmt::format("network mode {}", settings.network),
                          worker::OpenCniNetworks(std::move(options)));
}

std::map<std::string, std::string> WorkerLabels(const Config& config, const engine::Engine& engine, bool has_networks) {
  std::map<std::string, std::string> labels = config.worker.labels;
  labels.emplace("org.mobyproject.buildkit.worker.executor", "oci");
  labels.emplace("org.mobyproject.buildkit.worker.hostname", HostName());
  labels.emplace("org.mobyproject.buildkit.worker.network", has_networks ? "cni" : "host");
  labels.emplace("org.mobyproject.buildkit.worker.oci.process-mode", "sandbox");
  labels.emplace("org.mobyproject.buildkit.worker.selinux.enabled", "false");
  labels.emplace("org.mobyproject.buildkit.worker.snapshotter",
                 engine.DescribeSnapshotter().starts_with("overlay") ? "overlayfs" : "native");
  return labels;
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::Start(const Config& config, Log& log) {
  std::unique_ptr<Daemon> daemon(new Daemon());
  const std::string root =
      std::filesystem::absolute(config.root.empty() ? engine::DefaultRoot() : config.root).lexically_normal();
  LOAM_TRY(MakeDirs(root, 0711));
  const std::string lock_file = root + "/loamd.lock";
  daemon->lock_ = LOAM_TRY(FileLock::TryAcquire(lock_file, FileLock::Mode::kExclusive));
  if (!daemon->lock_) {
    return Unexpected(ErrorCode::kFailedPrecondition,
                      fmt::format("could not lock {}, another instance running?", lock_file));
  }
  engine::EngineOptions engine_options = EngineOptionsOf(config, root);
  std::vector<std::string> warnings = config.warnings;
  engine_options.registry_hosts =
      LOAM_TRY(MakeHostConfigs(config.registries, root + "/registry-authorities", warnings));
  for (const std::string& warning : warnings) {
    log.Warning(warning);
  }
  engine_options.provenance_environment = LOAM_TRY(ReadProvenanceEnvironment(config.provenance_dir));
  engine_options.dockerfile_version = kDockerfileVersion;
  engine_options.networks = LOAM_TRY(NetworksOf(config.worker, root));
  const bool has_networks = engine_options.networks != nullptr;
  daemon->engine_ = LOAM_TRY(engine::Engine::Open(std::move(engine_options)));
  daemon->engine_->AddCacheArea(MakeClientDirArea(root + "/client-dirs"));
  daemon->history_ = LOAM_TRY(BuildHistory::Open(root, config.history));

  daemon->traces_ = LOAM_TRY(TraceExporter::FromEnvironment(log));
  if (!config.otel_socket.empty()) {
    ServerOptions socket;
    socket.addresses = {"unix://" + config.otel_socket};
    daemon->trace_service_ = MakeTraceService(daemon->traces_.get());
    daemon->trace_server_ = LOAM_TRY(Server::Start(socket, {daemon->trace_service_.get()}));
  }

  ControlOptions control;
  control.traces = daemon->traces_.get();
  control.gc_policy = ResolveGcPolicy(config.worker.gc, DiskTotal(root));
  std::vector<engine::PruneRule> rules;
  for (const GcRule& rule : control.gc_policy) {
    rules.push_back(LOAM_TRY(ToPruneRule(rule)));
  }
  daemon->collector_ = std::make_unique<Collector>(
      Collector::Options{daemon->engine_.get(), daemon->history_.get(), &log, std::move(rules)});
  control.engine = daemon->engine_.get();
  control.history = daemon->history_.get();
  control.collector = daemon->collector_.get();
  control.log = &log;
  control.allowed_entitlements = config.entitlements;
  if (!config.cdi_disabled) {
    control.allowed_entitlements.insert("device");
  }
  daemon->step_proxies_ = LOAM_TRY(proxy::MakeStepProxies());
  control.step_proxies = daemon->step_proxies_.get();
  control.proxy_network = config.proxy_network;
  control.frontends = config.frontends;
  control.worker_id = WorkerId(root);
  control.worker_labels = WorkerLabels(config, *daemon->engine_, has_networks);
  control.platforms = config.worker.platforms;
  if (control.platforms.empty()) {
    control.platforms = DetectPlatforms(root + "/tmp");
  }
  log.Info(fmt::format("found worker \"{}\"", control.worker_id));
  daemon->services_ = std::make_unique<ControlServices>(std::move(control));
  const bool has_tls = config.server.tls.enabled();
  for (const std::string& address : config.server.addresses) {
    if (address.starts_with("tcp://") && !has_tls) {
      log.Warning(
          fmt::format("TLS is not enabled for {}. enabling mutual TLS authentication is highly recommended", address));
    } else if (address.starts_with("unix://") && has_tls) {
      log.Warning(fmt::format("TLS is disabled for {}", address));
    }
  }
  daemon->server_ = LOAM_TRY(Server::Start(config.server, daemon->services_->services()));
  for (const std::string& address : config.server.addresses) {
    log.Info(fmt::format("running server on {}", address));
  }
  return daemon;
}

bool Daemon::Drain(std::chrono::nanoseconds patience, std::stop_token stop) {
  return services_->Drain(patience, std::move(stop));
}

void Daemon::Stop() {
  if (services_ != nullptr) {
    services_->Stop();
  }
  if (server_ != nullptr) {
    server_->Stop();
  }
  if (trace_server_ != nullptr) {
    trace_server_->Stop();
  }
}

Daemon::~Daemon() {
  Stop();
}

}  // namespace loam::daemon
