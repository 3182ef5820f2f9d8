#include "runtime-executor/ops/exec_op.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "proto/solver/pb/ops.pb.h"
#include "runtime-executor/ops/exec_cache_map.h"
#include "runtime-executor/ops/exec_failure.h"
#include "runtime-executor/ops/exec_mounts.h"
#include "runtime-executor/ops/fs_result.h"
#include "runtime-executor/ops/job_services.h"
#include "runtime-executor/ops/layer_downloads.h"
#include "runtime-executor/worker/worker.h"

namespace loam::ops {

namespace {

constexpr std::string_view kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
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

Result<> AddSecrets(const pb::ExecOp& exec, session::ClientServices& client, std::stop_token stop,
                    std::vector<std::string>& env) {
  for (const pb::SecretEnv& secret : exec.secretenv()) {
    if (secret.id().empty()) {
      return Unexpected(ErrorCode::kInvalidArgument,
                        fmt::format("secret ID missing for environment variable {}", secret.name()));
    }
    auto value = client.secrets()->Get(secret.id(), stop);
    if (!value && !(value.error().Is(ErrorCode::kNotFound) && secret.optional())) {
      return Unexpected(std::move(value).error().Wrap("secret " + secret.id()));
    }
    env.push_back(fmt::format("{}={}", secret.name(), value ? *value : std::string()));
  }
  return {};
}

Result<> CheckEntitlements(const pb::ExecOp& exec, const Entitlements& allowed) {
  auto denied = [](std::string_view what) {
    return Unexpected(
        Error(ErrorCode::kPermissionDenied, fmt::format("the step needs `{}`, which this build does not allow", what))
            .WithHint(fmt::format("allow it with `--allow {}`", what)));
  };
  if (exec.network() == pb::HOST && !allowed.network_host) {
    return denied("network.host");
  }
  if (exec.security() == pb::INSECURE && !allowed.security_insecure) {
    return denied("security.insecure");
  }
  return {};
}

Result<worker::NetworkMode> NetworkOf(const pb::ExecOp& exec) {
  switch (exec.network()) {
    case pb::UNSET:  // the worker has no network of its own to offer
    case pb::HOST:
      return worker::NetworkMode::kHost;
    case pb::NONE:
      return worker::NetworkMode::kNone;
    default:
      return Unexpected(ErrorCode::kUnimplemented,
                        fmt::format("network mode {} is not supported", static_cast<int>(exec.network())));
  }
}

// The root as the failed process left it; nothing if it is no output, or cannot be kept.
std::optional<snapshot::FsRef> FailedRoot(const pb::ExecOp& exec, ExecMounts& mounts) {
  const auto root =
      std::find_if(exec.mounts().begin(), exec.mounts().end(), [](const pb::Mount& m) { return m.dest() == "/"; });
  if (root == exec.mounts().end() || root->output() < 0) {
    return std::nullopt;
  }
  const auto outputs = mounts.Commit();
  const auto index = static_cast<std::size_t>(root->output());
  if (!outputs || index >= outputs->size() || (*outputs)[index] == nullptr) {
    return std::nullopt;
  }
  return FsOf((*outputs)[index]);
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

class ExecOp final : public solver::Op {
 public:
  ExecOp(const solver::Vertex& vertex, const LlbPayload& payload, const OpEnvironment& environment)
      : vertex_(vertex), op_(payload.op()), metadata_(payload.metadata()), environment_(environment) {}

  [[nodiscard]] Result<solver::CacheMap> ComputeCacheMap(solver::OpContext& /*context*/) override {
    return ExecCacheMap(op_, vertex_.inputs.size(), environment_.checksums);
  }
  [[nodiscard]] bool cheap_cache_map() const override { return true; }
  [[nodiscard]] Result<std::vector<solver::ResultPtr>> Run(solver::OpContext& context,
                                                           std::span<const solver::ResultPtr> inputs) override;

 private:
  const solver::Vertex& vertex_;
  const pb::Op& op_;
  const pb::OpMetadata* const metadata_;
  const OpEnvironment& environment_;
};

Result<std::vector<solver::ResultPtr>> ExecOp::Run(solver::OpContext& context,
                                                   std::span<const solver::ResultPtr> inputs) {
  const pb::ExecOp& exec = op_.exec();
  const pb::Meta& meta = exec.meta();
  const std::shared_ptr<JobServices> services = ServicesOf(context);
  LOAM_TRY(CheckEntitlements(exec, services->entitlements()));
  for (const pb::CDIDevice& device : exec.cdidevices()) {
    if (!device.optional()) {
      return Unexpected(ErrorCode::kUnimplemented,
                        fmt::format("device `{}`: CDI devices are not supported", device.name()));
    }
  }
  worker::Worker* worker = LOAM_TRY(environment_.worker());

  worker::ExecSpec spec;
  spec.args.assign(meta.args().begin(), meta.args().end());
  spec.env.assign(meta.env().begin(), meta.env().end());
  if (meta.has_proxy_env()) {
    AddProxies(meta.proxy_env(), spec.env);
  }
  if (std::none_of(spec.env.begin(), spec.env.end(),
                   [](const std::string& variable) { return variable.starts_with("PATH="); })) {
    spec.env.emplace_back(kDefaultPath);
  }
  LOAM_TRY(AddSecrets(exec, services->client(), context.stop(), spec.env));
  spec.cwd = meta.cwd();
  spec.user = meta.user();
  spec.network = LOAM_TRY(NetworkOf(exec));
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
  LogSink sink(context.progress());
  const worker::ExecResult result = LOAM_TRY(worker->Run(spec, sink, context.stop()));

  const auto& valid = meta.validexitcodes();
  const bool good =
      valid.empty() ? result.exit_code == 0 : std::find(valid.begin(), valid.end(), result.exit_code) != valid.end();
  if (!good) {
    const std::vector<std::string> words(meta.args().begin(), meta.args().end());
    std::string message =
        fmt::format("process \"{}\" did not complete successfully: exit code: {}", Join(words, " "), result.exit_code);
    if (result.oom_killed) {
      message += ": out of memory";
    }
    std::shared_ptr<const ErrorDetail> detail = std::make_shared<solver::ExitErrorDetail>(result.exit_code);
    if (std::optional<snapshot::FsRef> root = FailedRoot(exec, mounts)) {
      detail = std::make_shared<FailedExecDetail>(*std::move(root), std::move(detail));
    }
    return Unexpected(Error(ErrorCode::kUnknown, std::move(message)).WithDetail(std::move(detail)));
  }
  return mounts.Commit();
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
