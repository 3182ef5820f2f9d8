#include "runtime-executor/ops/exec_op.h"

#include <fcntl.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/go_quote.h"
#include "base/strings.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/exec_cache_map.h"
#include "runtime-executor/ops/exec_environment.h"
#include "runtime-executor/ops/exec_failure.h"
#include "runtime-executor/ops/exec_mounts.h"
#include "runtime-executor/ops/fs_result.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/ops/layer_downloads.h"
#include "runtime-executor/ops/op_failure.h"
#include "runtime-executor/ops/proxy_recorder.h"
#include "runtime-executor/ops/terminal_lender.h"
#include "runtime-executor/ops/trusted_authority.h"
#include "runtime-executor/worker/worker.h"

namespace loam::ops {

namespace {

// More outputs than any graph has.
constexpr std::int64_t kMaxOutput = 1 << 16;

class LogSink final : public worker::OutputSink {
 public:
  explicit LogSink(solver::ProgressWriter& progress) : progress_(progress) {}
  void Write(worker::OutputStream stream, std::string_view bytes) override {
    progress_.Log(stream == worker::OutputStream::kStdout ? solver::LogStream::kStdout : solver::LogStream::kStderr,
                  bytes);
  }

 private:
  solver::ProgressWriter& progress_;
};

void AddProxies(const pb::ProxyEnv& proxies, std::vector<std::string>& env) {
  auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) {
      env.push_back(fmt::format("{}={}", ToUpperAscii(name), value));
      env.push_back(fmt::format("{}={}", name, value));
    }
  };
  add("http_proxy", proxies.http_proxy());
  add("https_proxy", proxies.https_proxy());
  add("ftp_proxy", proxies.ftp_proxy());
  add("no_proxy", proxies.no_proxy());
  add("all_proxy", proxies.all_proxy());
}

// The failed step's error with all that it left.
Error WithFilesystems(Error error, const pb::ExecOp& exec, ExecMounts& mounts,
                      std::span<const solver::ResultPtr> inputs) {
  Result<FailedFilesystems> failed = mounts.CommitFailed(exec, inputs);
  if (!failed) {  // nothing can be looked at then; the step's own error is the one that counts
    return error;
  }
  const auto root =
      std::find_if(exec.mounts().begin(), exec.mounts().end(), [](const pb::Mount& m) { return m.dest() == "/"; });
  if (root != exec.mounts().end() && root->output() >= 0) {
    const auto& left = failed->outputs[static_cast<std::size_t>(root - exec.mounts().begin())];
    if (left) {
      std::shared_ptr<const ErrorDetail> cause = error.detail();
      error = std::move(error).WithDetail(std::make_shared<const FailedExecDetail>(*left, std::move(cause)));
    }
  }
  return WithOuterDetail<FailedFilesystemsDetail>(std::move(error), *std::move(failed));
}

worker::ResourceLimits ResourcesOf(const pb::LinuxResources& limits) {
  return {.memory = limits.memory(),
          .memory_swap = limits.memoryswap(),
          .cpu_shares = limits.cpushares(),
          .cpu_period = limits.cpuperiod(),
          .cpu_quota = limits.cpuquota(),
          .cpuset_cpus = limits.cpusetcpus(),
          .cpuset_mems = limits.cpusetmems()};
}

// The URL that the build's policy wants in place of one that a step asks for; nullopt: that one.
Result<std::optional<std::string>> CheckedUrl(const solver::OpContext& context, const std::string& method,
                                              const std::string& url) {
  pb::Op op;
  op.mutable_source()->set_identifier(url);
  LOAM_TRY(ServicesOf(context)->ApplyPolicy(op, context.stop()));
  const pb::SourceOp& source = op.source();
  if (source.identifier() == url && source.attrs().empty()) {
    return std::optional<std::string>();
  }
  if (method != "GET" || !source.attrs().empty()) {
    return Unexpected(ErrorCode::kUnimplemented,
                      fmt::format("source policy converted proxy request {}, which must be a GET of another URL", url));
  }
  if (!source.identifier().starts_with("http://") && !source.identifier().starts_with("https://")) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("source policy converted proxy request to unsupported URL {}", source.identifier()));
  }
  return std::optional(source.identifier());
}

// A step behind a proxy of its own, if its build has such: from the start to the end of its process.
class ProxiedRun {
 public:
  Result<> Start(const solver::OpContext& context, pb::NetMode network, worker::ExecSpec& spec) {
    StepProxies* const proxies = ServicesOf(context)->proxies();
    if (proxies == nullptr || (network != pb::UNSET && network != pb::HOST)) {
      return {};
    }
    proxy_ = LOAM_TRY(proxies->Start(
        [&context](const std::string& method, const std::string& url) { return CheckedUrl(context, method, url); }));
    spec.network = worker::NetworkMode::kNone;
    spec.network_namespace = proxy_->network_namespace();
    for (const std::string_view name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}) {
      SetVariable(fmt::format("{}={}", name, proxy_->url()), spec.env);
    }
    for (const std::string_view name : {"NO_PROXY", "no_proxy"}) {
      SetVariable(fmt::format("{}=127.0.0.1,localhost,::1", name), spec.env);
    }
    if (!spec.readonly_root) {
      authority_ = LOAM_TRY(TrustedAuthority::Add(spec.root_fd, spec.root_selector, proxy_->authority()));
    }
    return {};
  }

  // Shows and records what the step asked for.
  Result<> End(solver::ProgressWriter& progress, const Digest& vertex, JobServices& services) {
    if (proxy_ == nullptr) {
      return {};
    }
    ProxyTraffic traffic = proxy_->Stop();
    if (!traffic.requests.empty()) {
      std::string text = "proxy network requests:\n";
      for (const ProxiedRequest& request : traffic.requests) {
        text += fmt::format("- {} {} -> {}\n", request.method, request.url, request.status);
      }
      progress.Log(solver::LogStream::kStderr, text);
    }
    if (auto* const recorder = dynamic_cast<ProxyRecorder*>(&services)) {
      recorder->OnProxied(vertex, std::move(traffic));
    }
    return authority_.Remove();
  }

  static void SetVariable(const std::string& variable, std::vector<std::string>& env) {
    const std::string name = variable.substr(0, variable.find('=') + 1);
    std::erase_if(env, [&](const std::string& other) { return other.starts_with(name); });
    env.push_back(variable);
  }

 private:
  std::unique_ptr<StepProxy> proxy_;
  TrustedAuthority authority_;
};

class ExecOp final : public solver::Op {
 public:
  ExecOp(const solver::Vertex& vertex, const LlbPayload& payload, const OpEnvironment& environment)
      : vertex_(vertex), op_(payload.op()), metadata_(payload.metadata()), environment_(environment) {}

  [[nodiscard]] Result<solver::CacheMap> ComputeCacheMap(solver::OpContext& context) override {
    if (op_.exec().cdidevices().empty()) {
      return ExecCacheMap(op_, vertex_.inputs.size(), environment_.checksums);
    }
    // The key names what the step gets, not what it asks for.
    pb::Op with_devices = op_;
    with_devices.mutable_exec()->clear_cdidevices();
    for (const cdi::DeviceRequest& device : LOAM_TRY(ChooseDevices(context))) {
      pb::CDIDevice& chosen = *with_devices.mutable_exec()->add_cdidevices();
      chosen.set_name(device.name);
      chosen.set_optional(device.optional);
    }
    return ExecCacheMap(with_devices, vertex_.inputs.size(), environment_.checksums);
  }
  [[nodiscard]] bool cheap_cache_map() const override { return op_.exec().cdidevices().empty(); }
  [[nodiscard]] Result<std::vector<solver::ResultPtr>> Run(solver::OpContext& context,
                                                           std::span<const solver::ResultPtr> inputs) override;

 private:
  [[nodiscard]] Result<std::vector<cdi::DeviceRequest>> ChooseDevices(solver::OpContext& context) const {
    std::vector<cdi::DeviceRequest> wanted;
    for (const pb::CDIDevice& device : op_.exec().cdidevices()) {
      wanted.push_back({device.name(), device.optional()});
    }
    const cdi::Devices none({.directories = {}, .auto_allowed = {}});
    const cdi::Devices& devices = environment_.devices == nullptr ? none : *environment_.devices;
    return devices.Choose(wanted, ServicesOf(context)->entitlements().devices);
  }
  Result<> AddDevices(solver::OpContext& context, worker::ExecSpec& spec, std::vector<UniqueFd>& host_files) const;

  const solver::Vertex& vertex_;
  const pb::Op& op_;
  const pb::OpMetadata* const metadata_;
  const OpEnvironment& environment_;
};

Result<> ExecOp::AddDevices(solver::OpContext& context, worker::ExecSpec& spec,
                            std::vector<UniqueFd>& host_files) const {
  if (op_.exec().cdidevices().empty() || environment_.devices == nullptr) {
    return {};
  }
  spec.edits = LOAM_TRY(environment_.devices->EditsOf(LOAM_TRY(ChooseDevices(context))));
  for (const std::string& variable : spec.edits.env) {
    ProxiedRun::SetVariable(variable, spec.env);
  }
  for (const cdi::HostMount& mount : spec.edits.mounts) {
    host_files.push_back(LOAM_TRY_CONTEXT("mount of a device", OpenFile(mount.host_path, O_PATH)));
    worker::ExecMount& made = spec.mounts.emplace_back();
    made.kind = worker::MountKind::kHost;
    made.dest = mount.container_path;
    made.fd = host_files.back().get();
    for (const std::string& option : mount.options) {
      if (option == "ro") {
        made.readonly = true;
      } else if (option != "rbind" && option != "bind" && option != "rw") {
        made.options.push_back(option);
      }
    }
  }
  return {};
}

Result<std::vector<solver::ResultPtr>> ExecOp::Run(solver::OpContext& context,
                                                   std::span<const solver::ResultPtr> inputs) {
  const pb::ExecOp& exec = op_.exec();
  const pb::Meta& meta = exec.meta();
  const std::shared_ptr<JobServices> services = ServicesOf(context);
  LOAM_TRY(CheckEntitlements(exec.network(), exec.security(), services->entitlements()));
  worker::Worker* worker = LOAM_TRY(environment_.worker());

  worker::ExecSpec spec;
  spec.args.assign(meta.args().begin(), meta.args().end());
  spec.env.assign(meta.env().begin(), meta.env().end());
  if (meta.has_proxy_env()) {
    AddProxies(meta.proxy_env(), spec.env);
  }
  AddDefault("PATH", kDefaultPath, spec.env);
  LOAM_TRY(AddSecrets(exec.secretenv(), services->client(), context.stop(), spec.env));
  spec.cwd = meta.cwd();
  spec.user = meta.user();
  spec.network = LOAM_TRY(NetworkOf(exec.network()));
  spec.security = exec.security() == pb::INSECURE ? worker::SecurityMode::kInsecure : worker::SecurityMode::kSandbox;
  for (const pb::HostIP& host : meta.extrahosts()) {
    spec.extra_hosts.push_back({host.host(), host.ip()});
  }
  spec.hostname = meta.hostname();
  for (const pb::Ulimit& limit : meta.ulimit()) {
    spec.ulimits.push_back({limit.name(), limit.soft(), limit.hard()});
  }
  spec.cgroup_parent = meta.cgroupparent();
  if (metadata_ != nullptr && metadata_->has_linux_resources()) {
    spec.resources = ResourcesOf(metadata_->linux_resources());
  }
  spec.remove_mount_stubs_recursive = meta.removemountstubsrecursive();

  std::vector<std::shared_ptr<void>> downloads;
  for (const solver::ResultPtr& input : inputs) {
    downloads.push_back(ShowLayerDownloads(*environment_.layers, FsOf(input), context));
  }
  ExecMounts mounts(environment_, services->client());
  LOAM_TRY(mounts.Prepare(exec, inputs, spec, context.stop()));
  std::vector<UniqueFd> host_files;
  LOAM_TRY(AddDevices(context, spec, host_files));
  ProxiedRun proxied;
  LOAM_TRY(proxied.Start(context, exec.network(), spec));
  LogSink sink(context.progress());
  const std::shared_ptr<TerminalLender> terminal = services->terminal(vertex_.digest);
  const Result<worker::ExecResult> ran = terminal != nullptr
                                             ? RunOnTerminal(*worker, spec, vertex_.name, *terminal, context.stop())
                                             : worker->Run(spec, sink, context.stop());
  LOAM_TRY(proxied.End(context.progress(), vertex_.digest, *services));
  const std::vector<std::string> words(meta.args().begin(), meta.args().end());
  const std::string failure = fmt::format("process {} did not complete successfully", GoQuoted(Join(words, " ")));
  if (!ran) {
    Error error = ran.error();
    if (!error.Is(ErrorCode::kCanceled)) {
      error = WithFilesystems(std::move(error).Wrap(failure), exec, mounts, inputs);
    }
    return Unexpected(std::move(error));
  }
  services->OnUsage(vertex_.digest, vertex_.name,
                    {.cpu = ran->user_time + ran->system_time, .peak_memory_bytes = ran->peak_memory_bytes});
  const auto& valid = meta.validexitcodes();
  const bool good =
      valid.empty() ? ran->exit_code == 0 : std::find(valid.begin(), valid.end(), ran->exit_code) != valid.end();
  if (!good) {
    Error error(ErrorCode::kUnknown,
                fmt::format("{}: exit code: {}{}", failure, ran->exit_code, ran->oom_killed ? ": out of memory" : ""));
    error = std::move(error).WithDetail(std::make_shared<solver::ExitErrorDetail>(ran->exit_code));
    return Unexpected(WithFilesystems(std::move(error), exec, mounts, inputs));
  }
  return mounts.Commit(exec);
}

}  // namespace

Result<std::unique_ptr<solver::Op>> NewExecOp(const solver::Vertex& vertex, const LlbPayload& payload,
                                              const OpEnvironment& environment) {
  const pb::ExecOp& exec = payload.op().exec();
  if (!exec.has_meta() || exec.meta().args().empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "exec op without a command");
  }
  if (exec.mounts().empty()) {
    return Unexpected(ErrorCode::kInvalidArgument, "exec op without mounts");
  }
  for (const pb::Mount& mount : exec.mounts()) {
    if (mount.output() < -1 || mount.output() > kMaxOutput) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("mount {}: invalid output {}", mount.dest(), mount.output()));
    }
  }
  return std::make_unique<ExecOp>(vertex, payload, environment);
}

}  // namespace loam::ops
