#include "runtime-executor/ops/exec_op.h"

#include <algorithm>

#include <fmt/format.h>

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
#include "runtime-executor/ops/terminal_lender.h"
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
  LOAM_TRY(CheckEntitlements(exec.network(), exec.security(), services->entitlements()));
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
  LogSink sink(context.progress());
  const std::shared_ptr<TerminalLender> terminal = services->terminal(vertex_.digest);
  const Result<worker::ExecResult> ran = terminal != nullptr
                                             ? RunOnTerminal(*worker, spec, vertex_.name, *terminal, context.stop())
                                             : worker->Run(spec, sink, context.stop());
  const std::vector<std::string> words(meta.args().begin(), meta.args().end());
  const std::string failure = fmt::format("process \"{}\" did not complete successfully", Join(words, " "));
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
